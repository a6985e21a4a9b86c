"""Reads while the bus is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streaming.bus import reading
from streaming.bus.errors import BusUnavailable, SegmentGone
from workers.patience import PatientReader


class Flaky:
    """A bus whose next answers are these; an exception is raised."""

    def __init__(self, *answers: object) -> None:
        self._answers: Iterator[object] = iter(answers)

    def run(self, _call: Any) -> Any:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


AWAY = BusUnavailable("connection closed")


def test_a_read_is_made_again_while_the_bus_is_away() -> None:
    pauses: list[float] = []
    reader = PatientReader(Flaky(AWAY, AWAY, 7), give_up=lambda: False, pause=pauses.append)
    assert reader.run(reading.now_ms()) == 7
    assert len(pauses) == 2


def test_not_for_ever() -> None:
    with pytest.raises(BusUnavailable):
        PatientReader(Flaky(AWAY), give_up=lambda: True).run(reading.now_ms())


def test_a_refusal_is_an_answer() -> None:
    gone = SegmentGone(broadcast="b", rendition="source", msn=1, found=2)
    with pytest.raises(SegmentGone):
        PatientReader(Flaky(gone), give_up=lambda: False).run(reading.now_ms())
