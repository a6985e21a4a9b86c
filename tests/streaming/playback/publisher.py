"""A stand-in for ingest, workers and dispatcher: puts what they would on the bus, as fast as a test wants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from streaming.bus import publication
from streaming.bus.layout import PUSH, Call, Script, key, nothing, push_arguments, push_keys
from streaming.bus.redis import AsyncValkey
from streaming.media import AUDIO, SOURCE, BroadcastState, Chunk, Description, Rendition
from tests.streaming.bus.chunks import segment

RENDITIONS = (
    Rendition(SOURCE, "avc1.64001f", 6_000_000, 90_000, 1280, 720, 30_000),
    Rendition("480p", "avc1.4d401f", 1_500_000, 90_000, 854, 480, 30_000),
    Rendition(AUDIO, "mp4a.40.2", 128_000, 90_000),
)
_LADDER = Script(
    PUSH
    + """
local keys = {chunks = KEYS[1], progress = KEYS[2], index = KEYS[3], bytes = KEYS[4], init = KEYS[5]}
push(keys, ARGV[1], now_ms(), {header = ARGV[2], data = ARGV[3], msn = tonumber(ARGV[4]), part = tonumber(ARGV[5]),
                               end_dts = tonumber(ARGV[6]), closes = tonumber(ARGV[7])})
"""
)


class Publisher:
    """One broadcast on the bus."""

    def __init__(self, bus: AsyncValkey, broadcast: str) -> None:
        self.bus = bus
        self.broadcast = broadcast
        self.description = Description(broadcast, BroadcastState.LIVE, 0, 400, RENDITIONS)
        self.token = ""

    async def start(self) -> None:
        self.token = (await publication.take(self.bus, self.broadcast, ingest="test", quiet_ms=0)).token
        await self.describe()

    async def describe(self, **changes: object) -> None:
        self.description = replace(self.description, **changes)  # type: ignore[arg-type]
        await self.bus.run(publication.describe(self.description, self.token))

    async def put(self, chunks: Iterable[Chunk], *renditions: str) -> None:
        """Appends to `source` and `audio`, or to what is named."""
        for rendition in renditions or (SOURCE, AUDIO):
            for chunk in chunks:
                if rendition in {SOURCE, AUDIO}:
                    call = publication.append(
                        self.broadcast, self.token, rendition, [chunk], leading=rendition == SOURCE
                    )
                else:
                    call = Call(
                        (rendition, *push_arguments(chunk)), nothing, _LADDER, push_keys(self.broadcast, rendition)
                    )
                await self.bus.run(call)

    async def go_live(self, segments: int = 3) -> None:
        """`segments` whole segments from MSN 0 on, and what is told once the first has closed."""
        await self.start()
        for msn in range(segments):
            await self.put(segment(msn))
        await self.describe(target_duration=2)

    async def run_rendition(self, rendition: str, first: int) -> None:
        """What the dispatcher writes when it starts a rendition."""
        await self.bus.run(Call(("HSET", key(self.broadcast, "running"), rendition, first), nothing))

    async def stop_rendition(self, rendition: str) -> None:
        await self.bus.run(Call(("HDEL", key(self.broadcast, "running"), rendition), nothing))
