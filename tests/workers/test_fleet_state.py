"""What people and Prometheus are told of the fleet."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from streaming.bus import devices, tasks
from streaming.bus.redis import Valkey
from tests.workers.clips import clip
from tests.workers.dispatcher.sights import NOW, ONE, OTHER, Scene
from tests.workers.live import Broadcaster, order
from workers.cost import upkeep
from workers.fleet import DeviceState, states
from workers.fleet_metrics import Fleet

P480, P360 = 854 * 480 * 30, 640 * 360 * 30
UPKEEP = upkeep(Scene().description)


def scene() -> Scene:
    """480p and 360p are at work on `one`, segments 4 and 5; 6 was ordered on `other` half a second ago."""
    made = Scene(media_ms=12_600)
    made.task(4, "480p", "360p", claimed=NOW - 900, done=("360p",))
    made.task(5, "480p", "360p", claimed=NOW - 800)
    made.task(6, "480p", device="other", ordered=NOW - 500)
    return made


def test_what_is_at_work_and_what_waits_is_told_of_each_device() -> None:
    made = scene()
    assert states({"one": ONE, "other": OTHER}, [(made.description, made.view)]) == [
        DeviceState("one", ONE, leased=2, waiting=0, oldest_ms=0, taken=UPKEEP + P480 + P360),
        DeviceState("other", OTHER, leased=0, waiting=1, oldest_ms=500, taken=UPKEEP + P480),
    ]


def test_a_standby_takes_no_more_than_decoding_does() -> None:
    made = Scene()
    made.task(5, "480p", claimed=NOW - 800)
    made.task(5, device="other", claimed=NOW - 700, standby=("480p",))
    states_of = states({"one": ONE, "other": OTHER}, [(made.description, made.view)])
    assert [state.taken for state in states_of] == [UPKEEP + P480, UPKEEP]


@pytest.mark.parametrize(
    ("lease", "leased", "doing"),
    [
        (None, 1, "gone"),
        (replace(ONE, slots=0), 1, "draining"),
        (replace(ONE, slots=0, capacity=0), 0, "unfit"),
        (ONE, 8, "full"),
        (ONE, 7, "open"),
    ],
)
def test_a_device_s_state_is_a_word(lease: devices.Device | None, leased: int, doing: str) -> None:
    assert DeviceState("one", lease, leased, 0, 0, 0).doing == doing


def test_what_has_failed_or_is_done_is_not_at_work() -> None:
    made = Scene()
    made.task(5, "480p", claimed=NOW - 800, failed="crashed")
    made.task(5, "480p", device="other", claimed=NOW - 300, done=("480p",))
    assert [
        (state.leased, state.waiting) for state in states({"one": ONE, "other": OTHER}, [(made.description, made.view)])
    ] == [
        (0, 0),
        (0, 0),
    ]


@pytest.fixture
def busy(bus: Valkey) -> str:
    """A broadcast with a segment task at work on a device, and one that waits for another that is gone."""
    track, units = clip(seconds=3)
    live = Broadcaster(bus, track)
    live.publish(units)
    bus.run(devices.renew(devices.Device("test", "host", "i", 8, devices.DeviceKind.CPU, 80_000_000)))
    token = order(bus, "b", 1, "160p")
    bus.run(tasks.claim("b", 1, token, ["160p"], instance="i"))
    return live.broadcast


def test_fleet_prints_a_table_and_json(bus: Valkey, busy: str) -> None:
    bus.run(devices.run_short())
    out = io.StringIO()
    call_command("fleet", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["device", "kind", "state", "slots", "leased", "waiting", "oldest", "capacity", "taken"]
    assert lines[1].split() == ["test", "cpu", "open", "8", "1", "0", "-", "80", "Mpx/s", "5", "Mpx/s"]
    assert lines[-1] == "1 broadcasts on 1 devices, 6% of the capacity taken. Devices lack room for what is watched."
    out = io.StringIO()
    call_command("fleet", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["broadcasts"], told["short"], told["devices"][0]["leased"]) == (1, True, 1)


def test_prometheus_is_told_the_same(bus: Valkey, busy: str) -> None:
    told = {
        (sample.name, sample.labels.get("device")): sample.value
        for family in Fleet(bus).collect()
        for sample in family.samples
    }
    assert told["headrace_device_slots", "test"] == 8
    assert told["headrace_device_slots_leased", "test"] == 1
    assert told["headrace_device_capacity_pixels", "test"] == 80_000_000
    assert told["headrace_devices_short", None] == 0


def test_a_bus_that_is_away_is_a_sentence(settings: Settings) -> None:
    settings.BUS_URL = "unix:///nowhere/valkey.sock"
    with pytest.raises(CommandError, match="The bus does not answer"):
        call_command("fleet")
    away = Valkey("unix:///nowhere/valkey.sock", connections=1, readers=1)
    assert list(Fleet(away).collect()) == []
