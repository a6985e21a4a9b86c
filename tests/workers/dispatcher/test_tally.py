"""Counting what becomes of attempts."""

from __future__ import annotations

from tests.workers.dispatcher.sights import NOW, B, Scene
from workers.dispatcher.judgement import Loss
from workers.dispatcher.tally import Tally


class Counted:
    def __init__(self) -> None:
        self.starts: list[float] = []
        self.won = 0
        self.tally = Tally(started=self.starts.append, hedge_won=self._win)

    def _win(self) -> None:
        self.won += 1


def test_each_start_is_counted_once() -> None:
    counted, scene = Counted(), Scene()
    scene.task(5, "480p", ordered=NOW - 100)
    counted.tally.saw(B, scene.view)
    assert counted.starts == []
    scene.tasks.clear()
    scene.task(5, "480p", ordered=NOW - 100, claimed=NOW - 80)
    counted.tally.saw(B, scene.view)
    counted.tally.saw(B, scene.view)
    assert counted.starts == [0.02]


def test_a_hedge_wins_when_it_has_finished_all_that_it_was_given() -> None:
    counted, scene = Counted(), Scene()
    scene.task(5, "480p", claimed=NOW - 900)
    hedge = scene.task(5, "480p", device="other", claimed=NOW - 300, again=True)
    counted.tally.ordered(B, 5, hedge, Loss.LATE)
    counted.tally.saw(B, scene.view)
    assert counted.won == 0
    scene.task(5, device="other", done=("480p",))
    counted.tally.saw(B, scene.view)
    counted.tally.saw(B, scene.view)
    assert counted.won == 1


def test_a_hedge_that_was_itself_replaced_has_not_won() -> None:
    counted, scene = Counted(), Scene()
    hedge = scene.task(5, "480p", claimed=NOW - 300, again=True)
    counted.tally.ordered(B, 5, hedge, Loss.LATE)
    scene.task(5, "480p", device="other", claimed=NOW - 100, done=("480p",), again=True)
    counted.tally.saw(B, scene.view)
    assert counted.won == 0


def test_other_attempts_are_no_hedges() -> None:
    counted, scene = Counted(), Scene()
    counted.tally.ordered(B, 5, scene.task(5, "480p", claimed=NOW, done=("480p",)), Loss.DIED)
    counted.tally.saw(B, scene.view)
    counted.tally.forget(B)
    assert counted.won == 0
