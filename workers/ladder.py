"""Which renditions of a broadcast run. Pure.

The source always does, and a partner's whole ladder. So does the ladder of a source that not every browser plays: a
player that can't show the source has nothing to ask from. Else the policy decides:

    demand   what somebody asked for in the last IDLE_MS
    tiered   the largest 720p and 480p; with MANY viewers the whole ladder, until there are FEW again

What runs may be less than is wanted: `fitting` leaves out what fewest watch where a device has no room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from streaming.media import AUDIO, SOURCE, Description, Rendition
from workers.cost import encoding

IDLE_MS = 30_000
"""A rendition nobody has asked for in so long stops."""
FEW = 50
MANY = 100
TIER = ("720p", "480p")
"""What broadcasts with few viewers get under `tiered`."""


class Policy(StrEnum):
    """Who gets which renditions."""

    DEMAND = "demand"
    TIERED = "tiered"


@dataclass(frozen=True, slots=True)
class Audience:
    """How many watch a broadcast, and each of its renditions; who has just switched counts in both."""

    viewers: int = 0
    of: Mapping[str, int] = field(default_factory=dict)


UNWATCHED = Audience()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a decision about a ladder hangs on: `wanted` says when each rendition was last asked for (ms)."""

    wanted: Mapping[str, int]
    now_ms: int
    audience: Audience = UNWATCHED
    running: Collection[str] = ()


def rungs_of(description: Description) -> tuple[Rendition, ...]:
    """A broadcast's transcoded renditions, from the largest down."""
    return tuple(each for each in description.renditions if each.name not in (SOURCE, AUDIO))


def wanted_now(description: Description, asked: Asked, policy: Policy = Policy.DEMAND) -> frozenset[str]:
    """The renditions that should run."""
    ladder = [each.name for each in rungs_of(description)]
    source = next((each for each in description.renditions if each.name == SOURCE), None)
    plays_everywhere = source is None or source.codecs.startswith(("avc1", "avc3"))
    if description.partner or not plays_everywhere:
        return frozenset(ladder)
    if policy is Policy.TIERED:
        tier = {next((name for name in ladder if name.startswith(lines)), "") for lines in TIER}
        grown = asked.audience.viewers >= FEW and not tier.issuperset(asked.running)
        whole = asked.audience.viewers >= MANY or grown
        return frozenset(ladder if whole else (name for name in ladder if name in tier))
    return frozenset(name for name in ladder if name in asked.wanted and asked.now_ms - asked.wanted[name] < IDLE_MS)


def fitting(
    renditions: Collection[Rendition], audience: Audience, *, running: Collection[str], keep: int, fill: int
) -> frozenset[str]:
    """Those of the wanted renditions that there is room for: what most watch comes first, then what runs already.

    What runs may stay as long as all of them cost at most `keep` pixels a second, another begins only within `fill`.
    """
    chosen: set[str] = set()
    spent = 0
    order = sorted(
        renditions,
        key=lambda each: (-audience.of.get(each.name, 0), each.name not in running, encoding(each), each.name),
    )
    for each in order:
        if spent + encoding(each) <= (keep if each.name in running else fill):
            chosen.add(each.name)
            spent += encoding(each)
    return frozenset(chosen)
