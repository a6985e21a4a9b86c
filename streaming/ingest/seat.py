"""A broadcast's place on the bus: who may publish it, and from where it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streaming.bus import publication, reading
from streaming.bus.publication import Publication
from streaming.bus.redis import AsyncValkey
from streaming.cmaf.position import Position
from streaming.media import Description


@dataclass(frozen=True, slots=True)
class Seat:
    """Held by one connection, which `ingest` names among all. `position` is where the next packager goes on.

    `partner` is whether the channel is one: asked of the database once, for the bus to know it.
    """

    broadcast: str
    ingest: str
    token: str
    position: Position
    partner: bool = False


async def take_seat(
    valkey: AsyncValkey,
    broadcast: str,
    *,
    ingest: str,
    known: Position | None = None,
    quiet_ms: int = publication.QUIET_MS,
    partner: bool = False,
) -> Seat:
    """Take the right to publish, and find out where the broadcast stands.

    The bus knows best: what counts is what viewers can have seen. `known` is the last position this process knows of,
    for a bus that lost its memory. A holder that delivered no media for `quiet_ms` loses its seat.
    Raises PublisherRefused, BroadcastEnded, BusUnavailable, BusFull.
    """
    taken = await publication.take(valkey, broadcast, ingest=ingest, quiet_ms=quiet_ms)
    described = await valkey.run(reading.description(broadcast))
    return Seat(broadcast, ingest, taken.token, _position(taken, described, known or Position()), partner)


def _position(taken: Publication, described: Description | None, known: Position) -> Position:
    renditions = described.renditions if described is not None else ()
    timescales = {rendition.name: rendition.timescale for rendition in renditions}
    newest = {name: (chunk, timescales[name]) for name, chunk in taken.newest.items() if name in timescales}
    if described is None or not newest:
        return known
    position = Position.after(newest, target_duration=described.target_duration)
    return replace(position, inits=_most(position.inits, known.inits))


def _most(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {*one, *other}}
