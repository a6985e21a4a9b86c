"""Which renditions of a broadcast run. Pure.

The rule is demand: what somebody asked for in the last IDLE_MS runs, and the source always does. A source that not
every browser plays has its ladder run from the start, for a player that can't show the source has nothing to ask from.
"""

from __future__ import annotations

from collections.abc import Mapping

from streaming.media import AUDIO, SOURCE, Description

IDLE_MS = 30_000
"""A rendition nobody has asked for in so long stops."""


def ladder_of(description: Description) -> tuple[str, ...]:
    """The names of a broadcast's transcoded renditions, from the largest down."""
    return tuple(each.name for each in description.renditions if each.name not in (SOURCE, AUDIO))


def wanted_now(description: Description, wanted: Mapping[str, int], now_ms: int) -> frozenset[str]:
    """The renditions that should run. `wanted` says when each was last asked for, in ms."""
    ladder = ladder_of(description)
    source = next((each for each in description.renditions if each.name == SOURCE), None)
    if source is not None and not source.codecs.startswith(("avc1", "avc3")):
        return frozenset(ladder)
    return frozenset(name for name in ladder if name in wanted and now_ms - wanted[name] < IDLE_MS)
