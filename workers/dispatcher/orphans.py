"""Broadcasts whose ingest died, found by comparing the database with the leases on the bus. Pure.

The sweep also covers the other way round: a broadcast that ended in the database while the bus could not be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Verdict(NamedTuple):
    """Broadcasts to end in the database, and broadcasts to end on the bus."""

    in_database: list[str]
    on_bus: list[str]


class Orphans:
    """`grace_ms` is how long a broadcast may be without an ingest."""

    def __init__(self, grace_ms: int) -> None:
        self._grace_ms = grace_ms
        self._missing_since: dict[str, int] = {}

    def sweep(self, open_ones: set[str], leases: Mapping[str, int], now_ms: int) -> Verdict:
        """`leases` says when each lease on the bus expires; they must have been read before `open_ones`.

        A broadcast without any lease (the bus lost its memory) counts from when that was first seen.
        """
        orphans = []
        for broadcast in sorted(open_ones):
            if broadcast in leases:
                self._missing_since.pop(broadcast, None)
                since = leases[broadcast]
            else:
                since = self._missing_since.setdefault(broadcast, now_ms)
            if now_ms - since >= self._grace_ms:
                orphans.append(broadcast)
        for broadcast in self._missing_since.keys() - open_ones:
            del self._missing_since[broadcast]
        return Verdict(orphans, sorted(leases.keys() - open_ones))
