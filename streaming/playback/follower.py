"""One watched broadcast in one process: a single blocking read that takes in every rendition players ask for here.

Nothing is held of a rendition that nobody asked for in 30 s, nor of a broadcast. A bus that goes away and comes back,
with or without its memory, is read on: what players already have stays, ingest goes on behind it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from streaming.bus import devices, reading, running
from streaming.bus.demand import want
from streaming.bus.epoch import epoch
from streaming.bus.errors import BusError
from streaming.bus.layout import Progress
from streaming.bus.redis import BLOCK_MS, AsyncValkey
from streaming.dash.periods import Periods
from streaming.media import AUDIO, SOURCE, BroadcastState, Chunk, Description
from streaming.playback import metrics
from streaming.playback.bodies import Bodies, BodyName
from streaming.playback.errors import NotHere, NotOffered, NotYet, UnknownBroadcast, UnknownRendition
from streaming.playback.followed import FollowedRendition
from streaming.playback.playlists import PlaylistCache
from streaming.playback.window import PartEntries

logger = logging.getLogger(__name__)

IDLE_S = 30.0
"""What nobody asked for so long is let go."""
REFRESH_S = 1.0
"""How old the description and the set of running renditions may get."""
BEGIN_REFRESH_S = 0.1
"""The same before the first segment has closed, which players wait for."""
WANT_S = 5.0
"""How often the dispatcher is told that a running rendition is still watched."""
RETRY_S = 0.25
SPAN_MS = 45_000
"""How far back a new follower looks: the playlist's window, and a segment."""


Entries: TypeAlias = dict[str, list[tuple[bytes, Chunk]]]
"""Rendition -> its next bus entries."""


class Follower:
    """Follows one broadcast until nobody asks for it. `run` is its life, everything else belongs to requests."""

    def __init__(self, bus: AsyncValkey, broadcast: str, bodies: Bodies, clock: Callable[[], float]) -> None:
        self.broadcast = broadcast
        self.progress: Mapping[str, Progress] = {}
        self.running: Mapping[str, int] = {}
        self.refused: Set[str] = frozenset()
        self.short = False
        """Whether devices lack room for what is watched."""
        self.renditions: dict[str, FollowedRendition] = {}
        self.asked_at = clock()
        self._description: Description | None = None
        self._standing = reading.Standing(published=False, ended=False)
        self._described = asyncio.Event()
        self._bus = bus
        self._bodies = bodies
        self._clock = clock
        self._epoch = ""
        self._refresh_at = 0.0
        self._waiting = 0
        self._stopped = False
        self._opening = asyncio.Lock()
        self._fetching = asyncio.Lock()
        self._interruption: asyncio.Future[None] | None = None
        self._abandoned: set[asyncio.Task[Entries]] = set()
        self.periods = Periods()
        """What the DASH manifest remembers from one to the next."""
        self.manifests = PlaylistCache()

    @property
    def description(self) -> Description:
        """What is known of the broadcast: nothing before its encoder has sent the first frames (`begun` waits)."""
        if self._description is None:
            raise NotYet("broadcast's description", 0)
        return self._description

    @property
    def is_described(self) -> bool:
        return self._description is not None

    @property
    def has_begun(self) -> bool:
        """Whether a segment has closed: before that there is nothing to list, nor a TARGETDURATION."""
        return self._description is not None and self._description.target_duration > 0

    @property
    def newest_msn(self) -> int:
        """The segment that the source (or sound, where that is all) has come to; -1 before the first."""
        reached = self.progress.get(SOURCE) or self.progress.get(AUDIO)
        return -1 if reached is None else reached.msn

    @property
    def has_ended(self) -> bool:
        return self._description is not None and self._description.state is BroadcastState.ENDED

    async def open(self) -> None:
        """Looks the broadcast up. Raises UnknownBroadcast, BusError."""
        await self._refresh()
        self._expect_known()

    async def run(self) -> None:
        """Follows until nobody has asked for anything for IDLE_S."""
        while not self._stopped and (self._waiting or self._clock() - self.asked_at < IDLE_S):
            try:
                if self._clock() >= self._refresh_at:
                    await self._refresh()
                    self._let_go()
                    await self._call_for_idle()
                await self._read()
            except BusError as error:
                logger.warning("broadcast %s: %s", self.broadcast, error)
                await asyncio.sleep(RETRY_S)

    def stop(self) -> None:
        """Ends `run` at once."""
        self._stopped = True
        self._interrupt()

    def release(self) -> None:
        """Drops what is held, and wakes whoever waits."""
        self._bodies.forget(self.broadcast)
        for followed in self.renditions.values():
            followed.wake()
        self.renditions.clear()

    async def followed(self, rendition: str, *, wants: bool = True, since: int | None = None) -> FollowedRendition:
        """The rendition, followed from now on; who only lists it `wants` nothing of it. One that is idle is to begin
        with segment `since`, if it still can. Raises UnknownRendition, BusError.
        """
        self.asked_at = now = self._clock()
        followed = self.renditions.get(rendition)
        if followed is None:
            async with self._opening:
                followed = self.renditions.get(rendition) or await self._follow(rendition, wants=wants, since=since)
        followed.asked_at = now
        if wants and followed.on_demand and now - followed.wanted_at >= WANT_S and not self.has_ended:
            followed.wanted_at = now
            await self._bus.run(want(self.broadcast, rendition, since=since))
        return followed

    async def wait(
        self, rendition: str, ready: Callable[[FollowedRendition], bool], *, within: float, what: str
    ) -> FollowedRendition:
        """The rendition once it is `ready`, or once the broadcast has ended.

        Raises NotYet after `within` s, and NotOffered at once where the dispatcher won't have it run.
        """
        followed = await self.followed(rendition)
        if ready(followed) or self.has_ended:
            return followed
        with self._patience(what, within):
            async with asyncio.timeout(within):
                while not ready(followed) and not self.has_ended:
                    if followed.on_demand and followed.runs_from is None and rendition in self.refused:
                        raise NotOffered(rendition)
                    await followed.changed.wait()
                    followed = await self.followed(rendition)
        return followed

    async def begun(self, *, within: float) -> None:
        """Returns once the first segment has closed, or the broadcast has ended. Raises NotYet after `within` s."""
        self.asked_at = self._clock()
        with self._patience("broadcast's first segment", within):
            async with asyncio.timeout(within):
                while not self.has_begun and not self.has_ended:
                    self._expect_known()
                    await self._described.wait()

    async def body(self, rendition: str, parts: list[PartEntries]) -> bytes:
        """The bytes of a run of whole parts. Raises NotHere once the bus has dropped them, BusError."""
        name = BodyName(self.broadcast, rendition, parts[0].first, parts[-1].last)
        body = self._bodies.get(name)
        if body is None:
            body = self._join(rendition, parts)
        if body is None:
            async with self._fetching:  # one read of the bus however many ask
                body = self._bodies.get(name)
                if body is None:
                    entries = await self._bus.run(
                        reading.chunks_between(self.broadcast, rendition, parts[0].first, parts[-1].last)
                    )
                    body = b"".join(chunk.data for _, chunk in entries)
                    if len(body) != sum(part.size for part in parts):
                        raise NotHere("media")
                    self._bodies.put(name, body)
        return body

    def _expect_known(self) -> None:
        if self._description is None and (self._standing.ended or not self._standing.published):
            raise UnknownBroadcast(self.broadcast)

    @contextmanager
    def _patience(self, what: str, within: float) -> Iterator[None]:
        """Around a wait: keeps the follower at work, and says what didn't come."""
        self._waiting += 1
        try:
            with metrics.WAITING.track_inprogress():
                yield
        except TimeoutError:
            raise NotYet(what, within) from None
        finally:
            self._waiting -= 1

    def _join(self, rendition: str, parts: list[PartEntries]) -> bytes | None:
        """A segment out of parts that are all here; the parts stay what is kept, the segment isn't kept twice."""
        found = [self._bodies.get(BodyName(self.broadcast, rendition, part.first, part.last)) for part in parts]
        bodies = [body for body in found if body is not None]
        return b"".join(bodies) if len(bodies) == len(found) else None

    async def _refresh(self) -> None:
        broadcast = self.broadcast
        was, stood = self._description, self._standing
        seen = await self._bus.run_all(
            [
                epoch(),
                reading.standing(broadcast),
                reading.description(broadcast),
                reading.running(broadcast),
                running.refused(broadcast),
                reading.progress(broadcast),
                devices.are_short(),
            ]
        )
        name, self._standing, self._description, self.running, refused, self.progress, self.short = seen
        if self._epoch and name != self._epoch:
            logger.warning("broadcast %s: the bus has lost its memory", broadcast)
            for followed in self.renditions.values():
                followed.at = b"0-0"
        self._epoch = name
        # A bus that has forgotten the broadcast will hear of it again from its ingest, or that it was ended.
        if self._description is None and was is not None:
            self._description = replace(was, state=BroadcastState.ENDED) if self._standing.ended else was
        self._refresh_at = self._clock() + (REFRESH_S if self.has_begun else BEGIN_REFRESH_S)
        newly, self.refused = refused - self.refused, refused
        for rendition in newly & self.renditions.keys():
            self.renditions[rendition].wake()
        if (self._description, self._standing) == (was, stood):
            return
        if self.has_ended and self.renditions:
            # An ended broadcast takes nothing more: what is there now is all.
            while found := await self._next(block_ms=0):
                await self._take(found)
        self._described.set()
        self._described = asyncio.Event()
        for followed in self.renditions.values():
            if self.has_ended:
                followed.close()
            followed.wake()

    def _let_go(self) -> None:
        """Stops following what nobody asks for, and what the dispatcher has stopped."""
        now = self._clock()
        for name, followed in list(self.renditions.items()):
            runs = self.running.get(name)
            stopped = followed.on_demand and followed.runs_from is not None and runs is None and not self.has_ended
            if runs is not None:
                followed.runs_from = runs
            if stopped or now - followed.asked_at >= IDLE_S:
                del self.renditions[name]
                followed.wake()

    async def _call_for_idle(self) -> None:
        """Asks again for what players wait for, should the first call have been lost with a dispatcher."""
        idle = [one.name for one in self.renditions.values() if one.on_demand and one.runs_from is None]
        if not self.has_ended:
            await self._bus.run_all([want(self.broadcast, name) for name in idle])

    async def _follow(self, rendition: str, *, wants: bool, since: int | None) -> FollowedRendition:
        known = next((known for known in self.description.renditions if known.name == rendition), None)
        if known is None:
            raise UnknownRendition(self.broadcast, rendition)
        followed = FollowedRendition(
            self.broadcast, known, self._bodies, part_target_ms=self.description.part_target_ms, now=self._clock()
        )
        first: int | None = 0
        if followed.on_demand and not self.has_ended:
            # Where it is idle, what is on the bus now is from an earlier run: begin behind it.
            followed.at = await self._bus.run(reading.newest_id(self.broadcast, rendition))
            if wants:
                followed.wanted_at = self._clock()
                first = followed.runs_from = await self._bus.run(want(self.broadcast, rendition, since=since))
            else:
                followed.wanted_at = -math.inf
                first = followed.runs_from = self.running.get(rendition)
        if first is not None:
            for entry, chunk, size in await self._bus.run(
                reading.headers(self.broadcast, rendition, span_ms=SPAN_MS, from_msn=first)
            ):
                followed.take(entry, chunk, size, has_data=False)
        if self.has_ended:
            followed.close()
        self.renditions[rendition] = followed
        self._interrupt()
        return followed

    async def _read(self) -> None:
        """Takes in what comes next on any followed rendition, until `_interrupt`."""
        due_s = max(0.001, self._refresh_at - self._clock())
        self._interruption = asyncio.get_running_loop().create_future()
        if not self.renditions or self.has_ended:
            await asyncio.wait({self._interruption}, timeout=due_s)
            return
        read = asyncio.create_task(self._next(block_ms=min(BLOCK_MS, math.ceil(1000 * due_s))))
        either: set[asyncio.Future[Any]] = {read, self._interruption}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not read.done():
                self._abandon(read)
        if read not in self._abandoned:
            await self._take(read.result())

    def _interrupt(self) -> None:
        """Makes the present read give way to another, of what is followed now."""
        if self._interruption is not None and not self._interruption.done():
            self._interruption.set_result(None)

    def _abandon(self, read: asyncio.Task[Entries]) -> None:
        """Lets a read end by itself, after BLOCK_MS at most. Reading takes nothing away, so another may begin.

        It is cancelled too, but that may have no effect: `asyncio.wait_for` of Python 3.11, through which redis-py
        sends, loses a cancellation that arrives with the result.
        """
        self._abandoned.add(read)
        read.add_done_callback(self._forget)
        read.cancel()

    def _forget(self, read: asyncio.Task[Entries]) -> None:
        self._abandoned.discard(read)
        if not read.cancelled():
            read.exception()

    async def _next(self, *, block_ms: int) -> Entries:
        """What lies behind what was taken in last; waits for it if told to."""
        after = {name: followed.at for name, followed in self.renditions.items()}
        return await self._bus.run(reading.chunks(self.broadcast, after, block_ms=block_ms))

    async def _take(self, found: Entries) -> None:
        changed = []
        for name, entries in found.items():
            followed = self.renditions.get(name)
            if followed and followed.take_all(entries):
                changed.append(followed)
        if changed:
            self.progress = await self._bus.run(reading.progress(self.broadcast))
        for followed in changed:
            followed.wake()
