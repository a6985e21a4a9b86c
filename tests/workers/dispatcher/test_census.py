"""Counting audiences for the dispatcher."""

from __future__ import annotations

import threading

from streaming.bus import viewers
from streaming.bus.redis import Valkey
from workers.dispatcher.census import Census
from workers.ladder import UNWATCHED, Audience

NOW_MS = 1_700_000_000_000


def test_those_who_were_asked_for_are_counted(state: Valkey) -> None:
    for number in range(3):
        report = viewers.Report(f"viewer-{number}", "480p" if number else "360p")
        state.run(viewers.beat("b", report, address="192.0.2.1", now_ms=NOW_MS))
    census = Census(state, now_ms=lambda: NOW_MS, stop=threading.Event())
    assert census.audience("b", {"480p": 1, "160p": 1}) == UNWATCHED
    census.count()
    assert census.audience("b", ()) == Audience(3, {"480p": 2, "160p": 0})
    census.count()
    assert census.audience("b", ()) == Audience(3, {})
    census.count()
    census.count()
    assert census.audience("b", ()) == UNWATCHED
