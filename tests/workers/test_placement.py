"""Which device a broadcast goes to."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streaming.bus.devices import Device, DeviceKind
from workers.placement import FILL, KEEP, Load, Placement, Rank

CPU = Device("cpu", "host", "i", 8, DeviceKind.CPU, 1_000)
GPU = Device("gpu", "host", "i", 8, DeviceKind.GPU, 1_000)


def fleet(*devices: Device) -> Placement:
    return Placement({device.name: device for device in devices})


def where(placement: Placement, cost: int, broadcast: str = "new", **options: object) -> str | None:
    device = placement.choose(cost, broadcast, **options)  # type: ignore[arg-type]
    return device.name if device is not None else None


def test_a_broadcast_goes_where_it_fits_best() -> None:
    placement = fleet(GPU, replace(GPU, name="busy"), replace(GPU, name="full"))
    placement.put("b1", Load("busy", 300))
    placement.put("b2", Load("full", 700))
    assert where(placement, 200) == "busy"
    assert where(placement, 100) == "full"
    assert where(placement, 800) == "gpu"


def test_gpus_come_first_and_the_cpu_takes_what_they_can_not() -> None:
    placement = fleet(CPU, GPU)
    assert where(placement, 500) == "gpu"
    placement.put("b1", Load("gpu", 500))
    assert where(placement, 500) == "cpu"
    placement.put("b2", Load("cpu", 500))
    assert where(placement, 500) is None


def test_a_broadcast_stays_and_may_grow_there_a_little() -> None:
    placement = fleet(CPU, replace(CPU, name="other"))
    placement.put("mine", Load("other", 100))
    placement.put("b1", Load("cpu", 400))
    assert where(placement, 100, "mine", sticky="other") == "other"
    assert where(placement, int(1_000 * KEEP), "mine", sticky="other") == "other"
    assert where(placement, int(1_000 * KEEP) + 1, "mine", sticky="other") is None


def test_a_broadcast_that_outgrows_its_device_moves() -> None:
    placement = fleet(CPU, replace(CPU, name="other"))
    placement.put("mine", Load("cpu", 100))
    placement.put("b1", Load("cpu", 500))
    assert where(placement, 600, "mine", sticky="cpu") == "other"


def test_only_partners_are_in_a_partner_s_way() -> None:
    placement = fleet(CPU)
    placement.put("b1", Load("cpu", 700))
    assert where(placement, 500) is None
    assert where(placement, 500, rank=Rank.PARTNER) == "cpu"
    placement.put("new", Load("cpu", 500, partner=True))
    assert placement.room("cpu", "b1", share=KEEP) == 400
    assert placement.room("cpu", "new", rank=Rank.PARTNER) == int(1_000 * FILL)
    assert where(placement, 500, "second", rank=Rank.PARTNER) is None


def test_a_partner_goes_where_nobody_need_give_way() -> None:
    placement = fleet(CPU, replace(CPU, name="other"))
    placement.put("b1", Load("cpu", 700))
    assert where(placement, 500, rank=Rank.PARTNER) == "other"


def test_a_standby_takes_little_and_goes_where_all_of_it_would_fit() -> None:
    placement = fleet(CPU, replace(CPU, name="other"))
    placement.put("b1", Load("cpu", 300))
    assert where(placement, 400, "b1", rank=Rank.STANDBY, avoid={"cpu"}) == "other"
    placement.put_standby("b1", Load("other", 100, more=300))
    assert placement.taken("other") == 100
    assert where(placement, 700) == "other"
    assert where(placement, 500, "b2", rank=Rank.STANDBY, avoid={"other"}) == "cpu"
    assert where(placement, 500, "b2", rank=Rank.STANDBY, avoid={"cpu"}) is None


def test_a_standby_is_the_first_to_go_where_it_gets_full() -> None:
    placement = fleet(CPU)
    placement.put_standby("b1", Load("cpu", 100, more=300))
    placement.put("b2", Load("cpu", 500))
    assert where(placement, 400, "b1", sticky="cpu", rank=Rank.STANDBY) == "cpu"
    placement.put("b2", Load("cpu", 501))
    assert where(placement, 400, "b1", sticky="cpu", rank=Rank.STANDBY) is None
    assert where(placement, 501, "b2", sticky="cpu") == "cpu"
    placement.put_standby("b1", None)
    assert placement.taken("cpu") == 501


def test_devices_that_drain_or_have_no_thread_left_take_nothing() -> None:
    assert where(fleet(replace(CPU, slots=0)), 1) is None
    assert fleet(replace(CPU, slots=0)).roomiest() is None
    placement = fleet(replace(CPU, slots=1))
    placement.put("b1", Load("cpu", 1))
    assert where(placement, 1) is None


def test_when_all_are_full_the_roomiest_is_known() -> None:
    placement = fleet(CPU, replace(GPU, capacity=500))
    placement.put("b1", Load("gpu", 800))
    placement.put("b2", Load("cpu", 900))
    roomiest = placement.roomiest()
    assert roomiest is not None
    assert roomiest.name == "cpu"
    other = placement.roomiest(avoid={"cpu"})
    assert other is not None
    assert other.name == "gpu"


def test_the_fleet_may_change_under_its_loads() -> None:
    placement = fleet(CPU, GPU)
    placement.put("b1", Load("gpu", 500))
    placement.fleet({"cpu": CPU})
    assert where(placement, 100) == "cpu"
    placement.fleet({"cpu": CPU, "gpu": replace(GPU, capacity=700, instance="new")})
    assert where(placement, 61) == "cpu"
    assert where(placement, 60) == "gpu"
    placement.fleet({"cpu": CPU, "gpu": replace(GPU, kind=DeviceKind.CPU)})
    placement.put("b1", None)
    assert where(placement, 100) in {"cpu", "gpu"}


NAMES = st.sampled_from(["d0", "d1", "d2", "d3"])
DEVICES = st.builds(
    Device,
    name=NAMES,
    host=st.just("host"),
    instance=st.just("i"),
    slots=st.integers(0, 3),
    kind=st.sampled_from(DeviceKind),
    capacity=st.integers(0, 1_000),
)
LOADS = st.none() | st.builds(
    Load, device=NAMES, cost=st.integers(0, 600), partner=st.booleans(), more=st.integers(0, 600)
)
Put = tuple[str, bool, Load | None]


@given(
    st.lists(
        st.lists(DEVICES, unique_by=lambda device: device.name)
        | st.tuples(st.sampled_from(["b0", "b1", "b2", "b3", "b4"]), st.booleans(), LOADS),
        max_size=20,
    ),
    st.integers(1, 900),
    st.sets(NAMES),
    st.sampled_from(Rank),
)
def test_the_choice_is_that_of_a_search_of_all(
    steps: list[list[Device] | Put], cost: int, avoid: set[str], rank: Rank
) -> None:
    placement, loads, devices = Placement(), dict[tuple[str, bool], Load | None](), dict[str, Device]()
    for step in steps:
        if isinstance(step, tuple):
            broadcast, standby, load = step
            (placement.put_standby if standby else placement.put)(broadcast, load)
            loads[broadcast, standby] = load
        else:
            devices = {device.name: device for device in step}
            placement.fleet(devices)

    def free(device: Device, rank: Rank) -> int:
        on_it = [load for load in loads.values() if load is not None and load.device == device.name]
        in_the_way = sum(load.cost for load in on_it if load.partner or rank is not Rank.PARTNER)
        if rank is Rank.STANDBY:
            in_the_way += sum(load.more for load in on_it)
        room = int(device.capacity * FILL) - in_the_way
        return room if len(on_it) < device.slots else min(0, room)

    expected = None
    for precedence in (Rank.ANYBODY, rank) if rank is Rank.PARTNER else (rank,):
        for kind in (DeviceKind.GPU, DeviceKind.CPU):
            fits = [
                (free(device, precedence), device.name)
                for device in devices.values()
                if device.kind is kind and device.slots and device.name not in avoid
            ]
            expected = expected or min((each for each in fits if each[0] >= cost), default=None)
    assert where(placement, cost, avoid=avoid, rank=rank) == (expected and expected[1])
