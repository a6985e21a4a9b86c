"""The broadcasts watched in this process: one follower each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from streaming.bus.redis import AsyncValkey
from streaming.media import Description
from streaming.playback import metrics
from streaming.playback.bodies import Bodies
from streaming.playback.errors import TooBusy
from streaming.playback.follower import Follower

logger = logging.getLogger(__name__)

BROADCASTS = 256
"""The most broadcasts one process follows; each holds one connection to the bus."""


class Following:
    """Starts a follower with the first request for its broadcast, and lets it go when it ends."""

    def __init__(self, bus: AsyncValkey, bodies: Bodies, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._bodies = bodies
        self._clock = clock
        self._followers: dict[str, Follower] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def follower(self, broadcast: str) -> Follower:
        """The broadcast's follower, at work. Raises UnknownBroadcast, TooBusy, BusError."""
        known = self._followers.get(broadcast)
        if known is not None:
            known.asked_at = self._clock()
            return known
        if len(self._followers) >= BROADCASTS:
            raise TooBusy(BROADCASTS)
        follower = Follower(self._bus, broadcast, self._bodies, self._clock)
        await follower.open()
        # Another request may have opened one meanwhile.
        if broadcast not in self._followers:
            self._followers[broadcast] = follower
            self._tasks[broadcast] = asyncio.create_task(self._run(follower), name=f"follow {broadcast}")
        return self._followers[broadcast]

    def last_known(self, broadcast: str) -> Description | None:
        """What a follower in this process knows of the broadcast, even if the bus has forgotten it."""
        follower = self._followers.get(broadcast)
        return follower.description if follower is not None and follower.is_described else None

    async def aclose(self) -> None:
        """Ends all followers."""
        for follower in self._followers.values():
            follower.stop()
        await asyncio.gather(*self._tasks.values())

    async def _run(self, follower: Follower) -> None:
        try:
            with metrics.FOLLOWED.track_inprogress():
                await follower.run()
        except Exception:
            logger.exception("the follower of broadcast %s failed; the next request starts another", follower.broadcast)
        finally:
            del self._followers[follower.broadcast], self._tasks[follower.broadcast]
            follower.release()
