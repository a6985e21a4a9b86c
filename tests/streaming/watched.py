"""A broadcast that somebody watches, as players and ingest leave it on the Valkeys."""

from __future__ import annotations

import time
from uuid import UUID

from streaming import on_air
from streaming.bus import publication, viewers
from streaming.bus.epoch import epoch
from streaming.media import AUDIO, SOURCE, BroadcastState, Description, Rendition

RENDITIONS = (
    Rendition(SOURCE, "avc1.64001f", 6_000_000, 90_000, 1280, 720, 29_970),
    Rendition("480p", "avc1.4d401f", 1_500_000, 90_000, 854, 480, 29_970),
    Rendition(AUDIO, "mp4a.40.2", 128_000, 48_000),
)


def watch(broadcast: UUID, **counts: int) -> None:
    """Describes the broadcast, and gives the renditions named so many viewers."""
    name, bus, now_ms = str(broadcast), on_air.bus(), int(time.time() * 1000)
    taken = bus.run(publication.acquire(name, in_epoch=bus.run(epoch()), ingest="a"))
    bus.run(publication.describe(Description(name, BroadcastState.LIVE, 2, 400, RENDITIONS), taken.token))
    for rendition, count in counts.items():
        for number in range(count):
            report = viewers.Report(f"{rendition}-{number}", rendition)
            on_air.state().run(viewers.beat(name, report, address="192.0.2.1", now_ms=now_ms))
