"""When the dispatcher looks, and what it keeps in mind between looks."""

from __future__ import annotations

from dataclasses import replace

from streaming.bus.events import BroadcastHasEnded, BroadcastStarted, SegmentOpened
from streaming.media import BroadcastState
from tests.workers.dispatcher.sights import FLEET, NOW, ONE, B, Scene
from workers.cost import cost
from workers.dispatcher.budget import BURST, SHARE
from workers.dispatcher.commands import Look, Order, Picture
from workers.dispatcher.judgement import SILENT_MS
from workers.dispatcher.machine import LINGER_MS, PICTURE_MS, Machine


def machine() -> Machine:
    made = Machine()
    made.fleet(FLEET, NOW)
    return made


def test_an_event_is_reason_to_look() -> None:
    it = machine()
    it.heard(SegmentOpened(B, 5, 900_000, NOW), NOW)
    assert it.tick(NOW) == [Look(B)]
    assert it.tick(NOW) == []


def test_a_lease_is_reason_to_look_once() -> None:
    it = machine()
    it.known([B], NOW)
    assert it.tick(NOW) == [Look(B)]
    it.known([B], NOW)
    assert it.tick(NOW) == []


def test_the_end_of_an_unknown_broadcast_is_no_news() -> None:
    it = machine()
    it.heard(BroadcastHasEnded(B), NOW)
    assert it.tick(NOW) == []


def test_a_lost_device_is_reason_to_look_at_all() -> None:
    it = machine()
    it.heard(BroadcastStarted(B), NOW)
    it.tick(NOW)
    it.saw(B, Scene().sight)
    it.fleet({"one": ONE}, NOW)
    assert it.tick(NOW) == [Look(B)]
    it.fleet({"one": replace(ONE, instance="new")}, NOW)
    it.saw(B, Scene().sight)
    it.fleet({"one": replace(ONE, instance="new")}, NOW + 1)
    assert it.tick(NOW) == []


def test_a_look_whose_answer_is_lost_is_repeated() -> None:
    it = machine()
    it.heard(BroadcastStarted(B), NOW)
    assert it.tick(NOW) == [Look(B)]
    assert it.tick(NOW + 1_000) == [Look(B)]


def test_a_broadcast_that_ended_is_watched_until_its_last_segments_are_done() -> None:
    it = machine()
    it.heard(BroadcastStarted(B), NOW)
    it.saw(B, Scene().sight)
    ended = Scene(state=BroadcastState.ENDED, now=NOW + LINGER_MS)
    it.saw(B, ended.sight)
    assert it.broadcasts == 1
    it.saw(B, replace(ended, now=NOW + LINGER_MS + 1).sight)
    assert it.broadcasts == 0


def test_a_device_is_filled_before_the_next_one() -> None:
    it = machine()
    placed = []
    for number in range(4):
        it.heard(BroadcastStarted(f"b{number}"), NOW)
        scene = Scene(wanted={"480p": NOW})
        placed.append(next(each.device for each in it.saw(f"b{number}", scene.sight) if isinstance(each, Order)))
    # One costs 23.6 million pixels a second, and 80 % of 80 million are to be had.
    assert placed == ["one"] * 2 + ["other"] * 2


def test_what_an_ended_broadcast_took_is_free_again() -> None:
    it = machine()
    it.heard(BroadcastStarted(B), NOW)
    it.saw(B, Scene(wanted={"480p": NOW}).sight)
    assert it.placement.taken("one") == cost(Scene().description, ["480p"])
    it.saw(B, Scene(state=BroadcastState.ENDED, now=NOW + LINGER_MS + 1).sight)
    assert it.placement.taken("one") == 0


def test_a_picture_is_asked_for_now_and_then() -> None:
    it = machine()
    it.heard(BroadcastStarted(B), NOW)
    assert it.saw(B, Scene().sight) == [Picture(B)]
    assert it.saw(B, Scene(now=NOW + PICTURE_MS - 1).sight) == []
    assert it.saw(B, Scene(now=NOW + PICTURE_MS).sight) == [Picture(B)]


def moved_when_all_are_late(it: Machine) -> int:
    """How many of 40 broadcasts on the first device get another attempt, all of them being late."""
    moved = 0
    for number in range(40):
        scene = Scene(media_ms=11_500, wanted={"480p": NOW}, running={"480p": 2})
        scene.come("480p", 10_800, NOW - 600)
        scene.task(5, "480p", ordered=NOW - 1_000, claimed=NOW - 990)
        it.heard(BroadcastStarted(f"b{number}"), NOW)
        moved += sum(isinstance(each, Order) for each in it.saw(f"b{number}", scene.sight))
    return moved


def test_hedges_are_bounded_however_many_are_late() -> None:
    assert moved_when_all_are_late(machine()) == BURST


def test_a_budget_is_earned_by_what_was_ordered_here() -> None:
    it = machine()
    assert moved_when_all_are_late(it) == BURST
    for _ in range(2 * round(1 / SHARE)):
        it.ordered()
    assert moved_when_all_are_late(it) == 2


def test_all_that_a_dead_device_had_moves() -> None:
    it = machine()
    it.fleet({**FLEET, "one": replace(ONE, silent_ms=SILENT_MS)}, NOW)
    assert moved_when_all_are_late(it) == 40
