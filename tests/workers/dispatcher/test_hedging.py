"""Parts that are late, and devices that fall silent: what is tried elsewhere."""

from __future__ import annotations

from dataclasses import replace

from tests.workers.dispatcher.sights import FLEET, NOW, ONE, Scene, orders, running
from workers.dispatcher.decision import BUSY_LOOK_MS, OVER_BUDGET_LOOK_MS
from workers.dispatcher.judgement import LATE_MS, SILENT_MS, SLOW_MS


def late(by_ms: int, **change: object) -> Scene:
    """480p has two parts of segment 5; the picture that its third waits for came `by_ms` + 40 ms ago."""
    scene = running(media_ms=11_200 + by_ms + 40, **change)
    scene.come("480p", 10_800, NOW - 600)
    scene.task(5, "480p", ordered=NOW - 1_000, claimed=NOW - 990)
    return scene


def test_a_late_part_is_tried_elsewhere() -> None:
    assert [(each.device, each.why) for each in orders(late(LATE_MS))] == [("other", "late")]


def test_a_part_is_not_late_before_its_time() -> None:
    decision = late(LATE_MS - 1).decision()
    assert decision.commands == []
    assert decision.look_at_ms == NOW + 1


def test_what_the_source_has_not_brought_is_not_late() -> None:
    scene = late(0, source_at=NOW - 5_000, hedges=2)
    assert [each.why for each in orders(scene)] == ["late"]
    assert orders(replace(scene, media_ms=11_190)) == []


def test_a_part_that_the_source_has_yet_to_bring_is_looked_at_when_it_would_be_late() -> None:
    scene = late(-240)
    assert scene.media_ms == 11_000
    assert scene.decision().look_at_ms == NOW + 200 + 40 + LATE_MS
    # A source that has stopped brings nothing at that time.
    assert replace(scene, source_at=NOW - 5_000).decision().look_at_ms == NOW + BUSY_LOOK_MS


def test_a_late_part_is_not_hedged_beyond_the_budget() -> None:
    assert orders(late(LATE_MS, hedges=0)) == []


def test_what_could_not_be_hedged_is_looked_at_again_soon() -> None:
    assert late(LATE_MS, hedges=0).decision().look_at_ms <= NOW + OVER_BUDGET_LOOK_MS


def silent(scene: Scene, ms: int) -> Scene:
    """The first device's worker renewed its lease so long ago, and the lease runs still."""
    scene.fleet["one"] = replace(ONE, silent_ms=ms)
    return scene


def test_a_late_device_that_is_silent_is_dead_which_is_no_hedge() -> None:
    scene = silent(late(LATE_MS, hedges=0), SILENT_MS)
    assert [(each.device, each.why) for each in orders(scene)] == [("other", "worker died")]
    assert orders(silent(late(LATE_MS, hedges=0), SILENT_MS - 1)) == []


def test_a_silent_device_that_is_not_late_is_left_alone() -> None:
    assert orders(silent(late(LATE_MS - 1), SILENT_MS)) == []


def test_what_took_anothers_place_is_left_to_work_until_its_lease_has_run_out() -> None:
    """Where all is slow renewals are, too: to move everything again and again would make it slower yet."""
    scene = late(LATE_MS, hedges=0, fleet={**FLEET, "other": replace(FLEET["other"], silent_ms=SILENT_MS)})
    scene.task(5, "480p", device="other", ordered=NOW - 900, claimed=NOW - 890, again=True)
    assert orders(scene) == []
    del scene.fleet["other"]
    assert [(each.device, each.why) for each in orders(scene)] == [("one", "worker died")]


def test_a_late_part_is_not_hedged_to_its_own_device() -> None:
    assert orders(late(LATE_MS, fleet={"one": ONE})) == []


def test_an_attempt_just_claimed_is_given_time_to_start_its_encoder() -> None:
    scene = late(LATE_MS)
    scene.task(5, "480p", device="other", ordered=NOW - 120, claimed=NOW - 100)
    assert orders(scene) == []


def test_what_took_anothers_place_is_not_moved_again() -> None:
    scene = late(LATE_MS)
    scene.task(5, "480p", device="other", ordered=NOW - 900, claimed=NOW - 890, again=True)
    assert orders(scene) == []


def test_an_attempt_that_catches_up_is_given_time_between_parts() -> None:
    scene = late(700)
    scene.come("480p", 10_800, NOW - SLOW_MS + 1)
    assert orders(scene) == []
    scene.come("480p", 10_800, NOW - SLOW_MS)
    assert [each.why for each in orders(scene)] == ["late"]


def test_only_the_oldest_unfinished_segment_is_blamed() -> None:
    scene = running(media_ms=12_500)
    scene.come("480p", 11_900, NOW - 100)
    scene.task(5, "480p", ordered=NOW - 2_500, claimed=NOW - 2_490)
    scene.task(6, "480p", ordered=NOW - 500, claimed=NOW - 490)
    assert orders(scene) == []
