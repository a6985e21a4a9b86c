"""What the dispatcher does about a broadcast: one behaviour a test, no process, no clock."""

from __future__ import annotations

from dataclasses import replace

from streaming.bus.demand import REACH
from streaming.bus.tasks import NOBODY
from streaming.media import PART_TARGET_MS, BroadcastState
from tests.workers.dispatcher.sights import NOW, ONE, SEGMENT_MS, B, Scene, orders, running
from workers.dispatcher.commands import Deadline, FillGap, Order, Start, StartLater, Stop
from workers.dispatcher.decision import (
    CATCH_UP_MS,
    CLOSED_MS,
    OPEN_MS,
)
from workers.dispatcher.judgement import CLAIM_MS, MAX_ATTEMPTS, RESEND_MS, Loss

# Starting and stopping


def test_nothing_runs_that_nobody_wants() -> None:
    assert Scene().commands() == []


def test_a_wanted_rendition_starts_at_the_segment_that_is_over() -> None:
    commands = Scene(wanted={"480p": NOW}).commands()
    assert commands[0] == Start(B, "480p", 4)
    assert [(each.msn, dict(each.expected), each.late_ms) for each in commands if isinstance(each, Order)] == [
        (4, {"480p": ""}, CATCH_UP_MS),
        (5, {"480p": ""}, OPEN_MS),
    ]


def test_a_wanted_rendition_starts_where_its_player_is() -> None:
    commands = Scene(wanted={"480p": NOW}, since={"480p": 2}).commands()
    assert Start(B, "480p", 2) in commands
    assert [each.msn for each in commands if isinstance(each, Order)] == [2, 3, 4, 5]


def test_no_rendition_starts_further_back_than_it_reaches() -> None:
    newest = REACH + 3
    for since, first in ((3, 3), (2, newest - 1), (newest, newest - 1)):
        scene = Scene(media_ms=newest * SEGMENT_MS + 600, wanted={"480p": NOW}, since={"480p": since})
        assert Start(B, "480p", first) in scene.commands()


def test_in_the_first_segment_there_is_none_that_is_over() -> None:
    assert Start(B, "480p", 0) in Scene(media_ms=900, wanted={"480p": NOW}).commands()


def test_a_rendition_starts_no_earlier_than_the_bus_remembers() -> None:
    assert Start(B, "480p", 5) in Scene(oldest=5, wanted={"480p": NOW}).commands()


def test_a_rendition_that_is_not_in_the_ladder_never_starts() -> None:
    assert Scene(wanted={"1080p60": NOW}).commands() == []


def test_a_source_that_not_every_browser_plays_has_its_ladder_at_once() -> None:
    started = [each.rendition for each in Scene(codecs="hvc1.1.6.L93.B0").commands() if isinstance(each, Start)]
    assert sorted(started) == ["160p", "360p", "480p", "720p30"]


def test_nothing_starts_while_the_encoder_is_away() -> None:
    assert Scene(state=BroadcastState.RECONNECTING, wanted={"480p": NOW}).commands() == []


def test_a_rendition_that_nobody_wants_any_more_stops() -> None:
    scene = running(wanted={"480p": NOW - 30_000})
    assert scene.commands() == [Stop(B, "480p", NOW - 30_000)]


def test_a_stopping_rendition_still_finishes_its_segment() -> None:
    scene = running(wanted={"480p": NOW - 30_000})
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="crashed")
    assert [(each.msn, each.why) for each in orders(scene)] == [(5, "failed")]


def test_a_rendition_is_looked_at_when_it_falls_idle() -> None:
    scene = running(wanted={"480p": NOW - 29_900})
    scene.task(5, "480p", ordered=NOW, claimed=NOW)
    assert scene.decision().look_at_ms <= NOW + 100


# Ordering


def test_a_new_segment_is_one_order_for_all_that_run() -> None:
    scene = running(wanted={"480p": NOW, "360p": NOW}, running={"480p": 2, "360p": 3})
    scene.come("360p", 10_000)
    scene.task(4, "480p", "360p", claimed=NOW, done=("480p", "360p"))
    assert orders(scene) == [Order(B, 5, {"480p": "", "360p": ""}, "one", OPEN_MS, "opened")]


def test_a_segment_goes_to_the_device_of_the_one_before() -> None:
    scene = running()
    scene.task(4, "480p", device="other", ordered=NOW - 100, claimed=NOW, done=("480p",))
    assert [each.device for each in orders(scene)] == ["other"]


def test_a_device_that_is_drained_gets_no_new_segment() -> None:
    scene = running()
    scene.fleet["one"] = replace(ONE, slots=0)
    assert [each.device for each in orders(scene)] == ["other"]


def test_without_any_device_nothing_is_ordered() -> None:
    assert running(fleet={}).commands() == []


def test_a_segment_in_work_is_not_ordered_again() -> None:
    scene = running()
    scene.task(5, "480p", ordered=NOW - 300, claimed=NOW - 290)
    assert scene.commands() == []


def test_a_joining_rendition_leaves_the_others_alone() -> None:
    scene = running(wanted={"480p": NOW, "160p": NOW})
    scene.task(5, "480p", ordered=NOW - 300, claimed=NOW - 290)
    assert [(each.msn, dict(each.expected)) for each in orders(scene)] == [(4, {"160p": ""}), (5, {"160p": ""})]


# Lost orders and dead workers


def test_an_order_nobody_takes_goes_elsewhere() -> None:
    scene = running()
    token = scene.task(5, "480p", ordered=NOW - CLAIM_MS)
    assert orders(scene) == [Order(B, 5, {"480p": token}, "other", OPEN_MS, "not taken")]


def test_an_order_is_given_time_to_be_taken() -> None:
    scene = running()
    scene.task(5, "480p", ordered=NOW - CLAIM_MS + 1)
    decision = scene.decision()
    assert decision.commands == []
    assert decision.look_at_ms == NOW + 1


def test_on_the_only_device_an_order_is_sent_again_after_a_second() -> None:
    scene = running(fleet={"one": ONE})
    scene.task(5, "480p", ordered=NOW - RESEND_MS + 1)
    assert orders(scene) == []
    scene.now += 1
    assert [each.device for each in orders(scene)] == ["one"]


def test_each_order_is_given_twice_the_time_of_the_one_before() -> None:
    """Else no order would be taken where every queue is slow."""
    scene = running()
    scene.task(5, "480p", ordered=NOW - 3 * CLAIM_MS)
    token = scene.task(5, "480p", device="other", ordered=NOW - 2 * CLAIM_MS + 1, again=True)
    decision = scene.decision()
    assert decision.commands == []
    assert decision.look_at_ms == NOW + 1
    scene.now = NOW + 1
    assert [(dict(each.expected), each.device) for each in orders(scene)] == [({"480p": token}, "one")]


def test_an_order_to_a_worker_that_is_being_stopped_moves_at_once() -> None:
    scene = running()
    scene.fleet["one"] = replace(ONE, slots=0)
    scene.task(5, "480p", ordered=NOW)
    assert [(each.device, each.why) for each in orders(scene)] == [("other", "not taken")]


def test_a_worker_that_is_being_stopped_finishes_what_it_has() -> None:
    scene = running()
    scene.fleet["one"] = replace(ONE, slots=0)
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590)
    assert orders(scene) == []


def test_the_work_of_a_device_that_is_gone_moves_at_once() -> None:
    scene = running(hedges=0)
    token = scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590)
    del scene.fleet["one"]
    assert orders(scene) == [Order(B, 5, {"480p": token}, "other", OPEN_MS, "worker died")]


def test_the_work_of_a_restarted_worker_is_done_again() -> None:
    scene = running(fleet={"one": replace(ONE, instance="new")})
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590)
    assert [(each.device, each.why) for each in orders(scene)] == [("one", "worker died")]


def test_a_failed_attempt_is_followed_by_one_elsewhere() -> None:
    scene = running()
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="ffmpeg crashed")
    assert [(each.device, each.why) for each in orders(scene)] == [("other", "failed")]


def test_a_failed_attempt_on_the_only_device_is_tried_again_there() -> None:
    scene = running(fleet={"one": ONE})
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="ffmpeg crashed")
    assert [each.device for each in orders(scene)] == ["one"]


def test_poison_is_tried_on_two_devices_and_then_becomes_a_gap() -> None:
    scene = running()
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="ffmpeg crashed", crashed=True)
    assert [(each.device, each.why) for each in orders(scene)] == [("other", "failed")]
    token = scene.task(5, "480p", device="other", ordered=NOW, claimed=NOW, failed="ffmpeg crashed", crashed=True)
    assert scene.commands() == [FillGap(B, 5, "480p", token, closed=False, why=Loss.POISONED)]


def test_what_is_given_up_becomes_a_gap_part_by_part() -> None:
    scene = running()
    token = scene.task(5, "480p", device=NOBODY, ordered=NOW - 300)
    scene.tasks[5].noted["480p"] = Loss.POISONED
    decision = scene.decision()
    assert decision.commands == [FillGap(B, 5, "480p", token, closed=False, why=Loss.POISONED)]
    assert decision.look_at_ms <= NOW + PART_TARGET_MS


def test_after_poison_the_next_segment_is_made_as_ever() -> None:
    scene = running(media_ms=12_100)
    scene.task(5, "480p", device=NOBODY, ordered=NOW - 300, done=("480p",))
    scene.come("480p", 12_000)
    assert [(each.msn, each.device, each.why) for each in orders(scene)] == [(6, "one", "opened")]


def test_what_fails_for_other_reasons_is_tried_more_often() -> None:
    scene = running()
    for _ in range(MAX_ATTEMPTS - 1):
        scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="the bus was away")
    assert [each.why for each in orders(scene)] == ["failed"]
    token = scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="the bus was away")
    assert scene.commands() == [FillGap(B, 5, "480p", token, closed=False, why=Loss.TOO_LATE)]


def test_an_order_that_nobody_took_is_no_attempt_that_failed() -> None:
    scene = running()
    for _ in range(MAX_ATTEMPTS):
        scene.task(5, "480p", ordered=NOW - 900)
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590, failed="the bus was away")
    assert [each.why for each in orders(scene)] == ["failed"]


def test_a_segment_that_kills_its_workers_is_given_up() -> None:
    scene = running(fleet={"one": replace(ONE, instance="new")})
    for _ in range(MAX_ATTEMPTS):
        token = scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590)
    assert scene.commands() == [FillGap(B, 5, "480p", token, closed=False, why=Loss.TOO_LATE)]


# Deadlines and gaps


def test_a_segment_that_is_over_gets_its_deadline() -> None:
    scene = running(media_ms=12_100)
    scene.come("480p", 11_600)
    scene.task(5, "480p", ordered=NOW - 2_000, claimed=NOW - 1_990)
    scene.task(6, "480p", ordered=NOW, claimed=NOW)
    assert scene.commands() == [Deadline(B, 5, "480p", CLOSED_MS)]


def test_a_deadline_is_set_once() -> None:
    scene = running(media_ms=12_100)
    scene.come("480p", 11_600)
    scene.task(5, "480p", ordered=NOW - 2_000, claimed=NOW - 1_990, deadline=NOW + CLOSED_MS)
    scene.task(6, "480p", ordered=NOW, claimed=NOW)
    assert scene.commands() == []


def test_a_rendition_that_joins_late_has_a_deadline_of_its_own() -> None:
    scene = running(media_ms=19_900, wanted={"480p": NOW, "160p": NOW}, running={"480p": 2, "160p": 8})
    scene.come("480p", 19_800)
    scene.task(8, "480p", ordered=NOW - 3_900, claimed=NOW - 3_890, done=("480p",), deadline=NOW - 1)
    scene.task(9, "480p", ordered=NOW - 1_900, claimed=NOW - 1_890)
    assert [(each.msn, dict(each.expected)) for each in orders(scene)] == [(8, {"160p": ""}), (9, {"160p": ""})]


def test_an_encoder_that_left_ends_the_segment_too() -> None:
    scene = running(state=BroadcastState.RECONNECTING)
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590)
    assert Deadline(B, 5, "480p", CLOSED_MS) in scene.commands()


def test_what_misses_its_deadline_becomes_a_gap() -> None:
    scene = running(media_ms=12_100)
    scene.come("480p", 10_800)
    token = scene.task(5, "480p", ordered=NOW - 6_000, claimed=NOW - 5_990, deadline=NOW)
    scene.task(6, "480p", ordered=NOW, claimed=NOW)
    assert scene.commands() == [FillGap(B, 5, "480p", token, closed=True, why=Loss.TOO_LATE)]


def test_what_nobody_has_seen_yet_begins_later_instead() -> None:
    scene = Scene(media_ms=12_100, wanted={"480p": NOW}, running={"480p": 5})
    scene.task(5, "480p", ordered=NOW - 6_000, claimed=NOW - 5_990, deadline=NOW)
    scene.task(6, "480p", ordered=NOW, claimed=NOW)
    assert scene.commands() == [StartLater(B, "480p", 5, 6)]


def test_after_an_outage_old_segments_become_gaps_and_the_newest_are_made() -> None:
    scene = running(media_ms=16_100)
    commands = scene.commands()
    assert [each.msn for each in commands if isinstance(each, FillGap)] == [5, 6]
    assert [each.msn for each in commands if isinstance(each, Order)] == [7, 8]


# An encoder slower than real time


def slow(**change: object) -> Scene:
    """Of 480p segment 4 was given up at its deadline, and 5 is over too; 6 has just begun."""
    scene = running(**{"media_ms": 12_600} | change)
    scene.tasks.clear()
    scene.come("480p", 10_000, NOW - 100)
    scene.task(4, "480p", device=NOBODY, ordered=NOW - 100, done=("480p",))
    scene.task(5, "480p", ordered=NOW - 2_600, claimed=NOW - 2_590)
    scene.task(6, "480p", ordered=NOW - 600, claimed=NOW - 590)
    return scene


def test_an_encoder_slower_than_real_time_goes_on_with_the_newest_segment() -> None:
    scene = slow()
    assert [each for each in scene.commands() if isinstance(each, FillGap)] == [
        FillGap(B, 5, "480p", "e:1", closed=True, why=Loss.TOO_LATE)
    ]
    assert orders(scene) == []


def test_a_segment_of_which_something_came_is_waited_for() -> None:
    scene = slow()
    scene.come("480p", 10_400, NOW - 100)
    assert [each for each in scene.commands() if isinstance(each, FillGap)] == []


def test_the_newest_segment_is_not_given_up_with_the_one_before() -> None:
    scene = slow(media_ms=11_800)
    scene.tasks.pop(6)
    assert [each for each in scene.commands() if isinstance(each, FillGap)] == []
