"""A device for a broadcast, and as much of its wanted ladder as there is room for there. Pure.

This is where placement and ladder meet; the dispatcher's decisions and the capacity simulator both come here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from streaming.media import Description
from workers.cost import cost, upkeep
from workers.ladder import UNWATCHED, Audience, fitting, rungs_of
from workers.placement import KEEP, Load, Placement, Rank


@dataclass(frozen=True, slots=True)
class Claim:
    """What a broadcast asks for: the `wanted` ones of its renditions, of which `watched` were asked for by somebody.

    `sticky` is the device that it is on.
    """

    broadcast: str
    description: Description
    wanted: frozenset[str]
    watched: frozenset[str] = frozenset()
    running: Collection[str] = ()
    sticky: str | None = None
    audience: Audience = UNWATCHED

    def cost(self, names: Collection[str]) -> int:
        """What it takes to make these renditions, in pixels a second."""
        return cost(self.description, names)


@dataclass(frozen=True, slots=True)
class Allotment:
    """What it gets: the renditions that may run, and where; `home` is None where there is no device at all.

    `short` says that something watched is not among them, though a free device would have room for it too.
    """

    run: frozenset[str]
    home: str | None
    load: Load | None
    short: bool = False


def allot(claim: Claim, placement: Placement) -> Allotment:
    """The device with room for all that is wanted, else what fits on the one it is on, or on the one with most room."""
    broadcast, partner = claim.broadcast, claim.description.partner
    cost_of_all = claim.cost(claim.wanted)
    rank = Rank.PARTNER if partner else Rank.ANYBODY
    home = placement.choose(cost_of_all, broadcast, sticky=claim.sticky, rank=rank)
    if home is not None:
        load = Load(home.name, cost_of_all, partner) if claim.wanted else None
        return Allotment(claim.wanted, home.name, load)
    stays = placement.devices.get(claim.sticky) if claim.sticky is not None else None
    home = stays if stays is not None and stays.slots else placement.roomiest()
    if home is None:
        return Allotment(claim.wanted, None, None)
    taken_anyway = upkeep(claim.description)
    run = fitting(
        [each for each in rungs_of(claim.description) if each.name in claim.wanted],
        claim.audience,
        running=claim.running,
        keep=placement.room(home.name, broadcast, rank=rank, share=KEEP) - taken_anyway,
        fill=placement.room(home.name, broadcast, rank=rank) - taken_anyway,
    )
    without = (claim.wanted - run) & claim.watched
    least = min((claim.cost({*run, name}) for name in without), default=None)
    short = least is not None and least <= placement.largest
    return Allotment(run, home.name, Load(home.name, claim.cost(run), partner) if run else None, short)
