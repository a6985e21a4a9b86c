from __future__ import annotations

from streaming.ingest.timeline import STRAGGLERS, Step, Timeline

FORWARD, JUMP, STRAGGLER = Step.FORWARD, Step.JUMP, Step.STRAGGLER


def steps(*timestamps: tuple[str, int]) -> list[Step]:
    """Steps of a timeline: `v` is a picture, `a` a sound."""
    timeline = Timeline()
    return [timeline.step(timestamp, is_video=track == "v") for track, timestamp in timestamps]


def test_small_steps_back_and_forth_are_no_jump() -> None:
    assert set(steps(("v", 0), ("v", 33), ("a", 21), ("v", 2_900), ("a", 42), ("v", 70))) == {FORWARD}


def test_a_clock_may_begin_anywhere() -> None:
    assert steps(("v", 5_000_000), ("a", 5_000_033)) == [FORWARD, FORWARD]


def test_forwards_and_backwards_jumps_are_told_once() -> None:
    assert steps(("v", 0), ("v", 33), ("v", 10_000), ("v", 10_033)) == [FORWARD, FORWARD, JUMP, FORWARD]
    assert steps(("v", 50_000), ("v", 10), ("v", 43)) == [FORWARD, JUMP, FORWARD]


def test_the_other_track_may_jump_a_little_later() -> None:
    told = steps(("v", 50_000), ("a", 50_000), ("v", 0), ("a", 50_021), ("v", 33), ("a", 50_042), ("a", 64), ("v", 66))
    assert told == [FORWARD, FORWARD, JUMP, STRAGGLER, FORWARD, STRAGGLER, FORWARD, FORWARD]


def test_a_track_that_lags_far_behind_the_other_makes_no_jump() -> None:
    told = steps(("v", 0), ("a", 0), ("a", 2_500), ("a", 5_000), ("a", 7_500), ("v", 33), ("a", 7_521), ("v", 66))
    assert set(told) == {FORWARD}


def test_a_track_that_paused_by_itself_makes_no_jump() -> None:
    told = steps(("v", 0), ("a", 0), ("a", 2_500), ("a", 5_000), ("a", 7_500), ("v", 7_510), ("a", 7_521))
    assert set(told) == {FORWARD}


def test_a_return_to_the_old_time_after_a_while_is_a_jump() -> None:
    timeline = Timeline()
    timeline.step(50_000, is_video=False)
    assert timeline.step(0, is_video=True) is JUMP
    told = [timeline.step(50_000 + number, is_video=False) for number in range(STRAGGLERS + 1)]
    assert told == [STRAGGLER] * STRAGGLERS + [JUMP]
