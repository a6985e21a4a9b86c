"""Bit rates that follow the picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, Rendition
from workers.motion import BROADCASTS, SEGMENTS, STEP_SECONDS, Motions, difficulty

RUNGS = {rung.name: rung for rung in ladder(Rendition(SOURCE, "avc1.64001F", 0, VIDEO_TIMESCALE, 1280, 720, 30_000))}
CALM, USUAL, WILD = 8.0, 24.0, 38.0


class Played:
    """Segments of 2 s one after another, each as hard to encode as is said."""

    def __init__(self) -> None:
        self.now = 0.0
        self.motions = Motions(lambda: self.now)

    def segments(self, quantiser: float, seconds: float) -> list[float]:
        """The share of the nominal bit rate that each segment was given."""
        shares = []
        for _ in range(round(seconds / 2)):
            rungs = self.motions.rungs("b", RUNGS, may_step=True)
            shares.append(round(rungs["480p"].bitrate / RUNGS["480p"].bitrate, 2))
            # What the encoder needs for the same picture is less the more bits it has, so the difficulty stays.
            quantisers = {name: quantiser - (difficulty({name: 0.0}, rungs) or 0.0) for name in rungs}
            self.motions.measured("b", quantisers, rungs)
            self.now += 2
        return shares


def test_a_usual_picture_has_the_nominal_rate() -> None:
    assert set(Played().segments(USUAL, 60)) == {1.0}


@pytest.mark.parametrize(("quantiser", "steps"), [(CALM, [1.0, 0.85, 0.7]), (WILD, [1.0, 1.1, 1.2])])
def test_a_calm_picture_gets_less_and_a_wild_one_more_step_by_step(quantiser: float, steps: list[float]) -> None:
    shares = Played().segments(quantiser, 60)
    assert list(dict.fromkeys(shares)) == steps
    assert shares[:SEGMENTS] == [1.0] * SEGMENTS
    assert shares.count(steps[1]) * 2 >= STEP_SECONDS
    assert shares[-1] == steps[-1]


def test_the_rate_returns_when_the_picture_is_usual_again() -> None:
    played = Played()
    played.segments(CALM, 60)
    assert list(dict.fromkeys(played.segments(USUAL, 60))) == [0.7, 0.85, 1.0]


def test_a_picture_between_two_rates_stays_with_the_one_it_has() -> None:
    played = Played()
    played.segments(CALM, 60)
    assert set(played.segments(20.5, 60)) == {0.7}
    assert set(Played().segments(20.5, 60)) == {1.0}


def test_a_cut_without_an_idr_is_no_place_for_a_step() -> None:
    played = Played()
    played.segments(CALM, 2 * SEGMENTS)
    assert played.motions.rungs("b", RUNGS, may_step=False) == RUNGS
    assert played.motions.rungs("b", RUNGS, may_step=True) != RUNGS


def test_the_same_picture_is_as_hard_at_half_the_bits() -> None:
    # An encoder that has half the bits needs a quantiser 6 higher.
    halved = {name: replace(rung, bitrate=rung.bitrate // 2) for name, rung in RUNGS.items()}
    needed = difficulty({"480p": 30.0, "160p": 24.0}, RUNGS)
    assert difficulty({"480p": 36.0, "160p": 30.0}, halved) == pytest.approx(needed)
    assert difficulty({}, RUNGS) is None
    assert difficulty({"gone": 30.0}, RUNGS) is None


def test_what_is_remembered_is_bounded() -> None:
    motions = Motions(lambda: 0.0)
    for number in range(BROADCASTS + 1):
        for _ in range(SEGMENTS):
            motions.measured(f"b{number}", {"480p": 0.0}, RUNGS)
    assert motions.rungs("b0", RUNGS, may_step=True) == RUNGS
    assert motions.rungs("b1", RUNGS, may_step=True) != RUNGS
