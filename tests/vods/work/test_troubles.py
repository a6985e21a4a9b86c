"""Storage that fails, workers that die, a VOD that is deleted while it is made: nothing is lost, doubled or left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from deploy.local.seaweed import Seaweed
from streaming.bus import reading
from streaming.bus.layout import Call, key, nothing
from streaming.bus.redis import Valkey
from streaming.media import AUDIO, SOURCE
from tests.streaming.cmaf.clips import Clip
from tests.vods.conftest import MakeLive, bucket_of
from tests.vods.killer import Killer
from tests.vods.onair import House, OnAir, stored, units_of
from tests.vods.relay import Day, Relay, relay
from tests.workers.ledger.conftest import later
from vods.errors import NotReady
from vods.library import timeline_of
from vods.models import Asset, AssetState, Bundle, InitSection, Vod, VodRendition, VodState
from vods.services.vods import delete_vod
from vods.storage import media
from vods.workflows import WORKS
from workers.ledger.attempt import run_step
from workers.models import Step, Workflow, WorkflowState


def units(vod: Vod, name: str) -> list[Any]:
    timeline = timeline_of(vod.renditions.get(name=name))
    return units_of(b"".join(media().read(one.key, one.offset, one.size) for one in timeline.segments if not one.gap))


def assert_whole(vod: Vod, air: OnAir) -> None:
    vod.refresh_from_db()
    assert vod.state == VodState.READY
    assert vod.lost == 0
    for name in (SOURCE, AUDIO):
        assert units(vod, name) == air.units(name)


@pytest.fixture
def network(seaweed: Seaweed, in_bucket: object, settings: Any) -> Iterator[Relay]:
    """The way to the bucket."""
    with relay(seaweed.port) as made:
        options = bucket_of(seaweed, patience=1.0)
        options["OPTIONS"]["endpoint_url"] = made.url
        settings.STORAGES = {**settings.STORAGES, "vods": options}
        yield made


def until_done(house: House, *, rounds: int = 12) -> None:
    """Lets time pass until nothing is left to do."""
    for _ in range(rounds):
        if Workflow.objects.filter(state=WorkflowState.RUNNING).exists():
            later(400)
            house.sweep()


def test_a_bucket_in_trouble_costs_time_only(
    air: OnAir, clip: Clip, house: House, network: Relay, seaweed: Seaweed
) -> None:
    air.send(clip)
    network.days.extend([Day.BUSY] * 3)
    house.sweep()
    assert "SlowDown" in house.errors()["archive 0"]
    network.days.extend([Day.SILENT, Day.BROKEN, Day.BUSY, Day.SILENT])
    event = air.end()
    house.hear(event)
    network.days.extend([Day.BUSY, Day.BROKEN] * 2)
    until_done(house)
    assert house.errors() == {}
    assert_whole(Vod.objects.get(), air)
    assert set(Asset.objects.exclude(kind="chat").values_list("state", flat=True)) == {AssetState.READY}
    delete_vod(vod_id=Vod.objects.get().pk)
    house.sweep()
    until_done(house)
    assert Vod.objects.get().state == VodState.DELETED
    assert media().remove_all("") == 0  # nothing was left


def test_what_the_bus_lost_is_a_gap_and_an_alarm(
    air: OnAir, clip: Clip, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    air.send(clip)
    house.sweep()
    event = air.end()
    entry = air.bus.run(reading.start_of(str(air.broadcast), SOURCE, 11))
    air.bus.run(Call(("XTRIM", key(str(air.broadcast), "chunks", SOURCE), "MINID", entry), nothing))
    house.hear(event)
    vod = Vod.objects.get()
    assert (vod.state, vod.lost) == (VodState.READY, 1)
    assert "vod.lost" in caplog.text
    timeline = timeline_of(vod.renditions.get(name=SOURCE))
    assert [segment.msn for segment in timeline.segments if segment.gap] == [10]
    assert abs(vod.duration_ms - 25_000) <= 34
    assert units(vod, AUDIO) == air.units(AUDIO)
    assert set(Asset.objects.exclude(kind="chat").values_list("state", flat=True)) == {AssetState.READY}


def test_what_was_lost_before_the_first_run_is_counted_too(air: OnAir, clip: Clip, house: House) -> None:
    air.send(clip)
    event = air.end()
    entry = air.bus.run(reading.start_of(str(air.broadcast), SOURCE, 4))
    air.bus.run(Call(("XTRIM", key(str(air.broadcast), "chunks", SOURCE), "MINID", entry), nothing))
    house.bookkeeper.heard(event)
    run_step(house.queue[0].step, works=WORKS, send=lambda _: None)
    vod = Vod.objects.get()
    assert (vod.state, vod.lost) == (VodState.READY, 4)
    assert timeline_of(vod.renditions.get(name=SOURCE)).first_msn == 4


def test_deleted_while_it_is_made_nothing_is_left(air: OnAir, clip: Clip, house: House, storage: Path) -> None:
    air.send(clip)
    house.sweep()
    vod = Vod.objects.get()
    with pytest.raises(NotReady):
        delete_vod(vod_id=vod.pk)
    event = air.end()
    deleted = []

    def interfere(step: Step) -> None:
        if step.name == "mp4":
            delete_vod(vod_id=vod.pk)
            deleted.append(step)

    house.before = interfere
    house.hear(event)
    assert deleted
    house.sweep()
    until_done(house)
    vod.refresh_from_db()
    assert vod.state == VodState.DELETED
    assert stored(storage) == {}
    for model in (VodRendition, Bundle, InitSection, Asset):
        assert not model.objects.exists()
    assert dict(Workflow.objects.exclude(kind="keeping").values_list("kind", "state")) == {
        "vod": WorkflowState.CANCELLED,
        "delete-vod": WorkflowState.DONE,
    }
    house.hear(event)  # an event that comes twice brings nothing back
    vod.refresh_from_db()
    assert vod.state == VodState.DELETED


def test_two_workers_on_one_step_write_once(air: OnAir, clip: Clip, house: House, storage: Path) -> None:
    air.send(clip)
    event = air.end()
    house.bookkeeper.heard(event)
    wake = house.queue[0]

    def work() -> None:
        run_step(wake.step, works=WORKS, send=lambda _: None)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_whole(Vod.objects.get(), air)
    assert Step.objects.get(name="seal").attempts == 1


def test_killed_in_every_step_it_goes_on(
    air: OnAir, clip: Clip, house: House, bus: Valkey, storage: Path, make_live: MakeLive, killer: Killer
) -> None:
    """By kill -9; what is stored in the end is what is stored without."""
    points = cycle(["put", "worked", "claimed", "done"])
    killed: list[str] = []

    def kill(step: Step) -> None:
        if step.name in killed:
            return
        killed.append(step.name)
        killer(step, next(points))
        later(60)

    air.send(clip)
    house.before = kill
    house.sweep()
    house.hear(air.end())
    until_done(house)
    made = {"poster", "storyboard", "mp4", "audio", "preview", "chat"}
    assert set(killed) == {"retention", "warnings", "tiers", "costs", "archive 0", "seal", *made, "ladder"}
    vod = Vod.objects.get()
    assert Workflow.objects.get(kind="vod").state == WorkflowState.DONE
    assert_whole(vod, air)

    undisturbed = OnAir(bus, make_live("carol").pk)
    undisturbed.send(clip)
    house.before = lambda _: None
    house.sweep()
    house.hear(undisturbed.end())
    until_done(house)
    other = Vod.objects.exclude(pk=vod.pk).get()
    assert stored(storage / vod.prefix) == stored(storage / other.prefix)
