"""The hub: the rooms with viewers in this process, fed by one subscription."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from chat import metrics
from chat.bus import layout, log, presence, rooms
from chat.bus.epoch import fresh_epoch
from chat.bus.layout import CONTROL, EPHEMERAL, MESSAGE
from chat.bus.log import Record
from chat.errors import ChatUnavailable
from chat.events import dumps, notice
from chat.facts import Facts
from chat.hub.feed import Feed
from chat.hub.room import Room, Viewer, local
from streaming.bus.errors import BusError
from streaming.bus.redis import AsyncValkey

logger = logging.getLogger(__name__)

ROOMS = 50_000
"""The most rooms one process follows."""
LINGER_S = 30.0
"""An empty room is kept so long: a viewer who reloads the page finds it warm."""
OPENED_WITH = 200
"""Records that a room is opened with: what a welcome shows. Who missed more is served from the log."""
RETRY_S = 1.0
HEALED_AT_ONCE = 16
"""Rooms that read at once what they missed: fewer than there are connections, so that posts go on meanwhile."""
COUNTED_AT_ONCE = 200
"""Rooms whose people are counted in one round trip."""

UNRELIABLE = notice("unreliable", "Chat may be unreliable: what is said now may not reach everyone and is not kept.")
RELIABLE = notice("reliable", "Chat is reliable again.")
ANEW = dumps({"type": "anew"})


class Listener(Protocol):
    """A socket of a person who has signed in."""

    def hear(self, record: str) -> None:
        """Sends what is for this person alone. It must not wait."""

    def turned_out(self) -> None:
        """This person may not be here any more."""


LoadFacts = Callable[[str], Awaitable[Facts]]


class Hub:
    """See the module. `load_facts` reads a room's facts from PostgreSQL, `clock` answers Unix seconds."""

    def __init__(self, url: str, *, load_facts: LoadFacts, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.valkey = AsyncValkey(url, connections=32, readers=1)
        self._feed = Feed(url, on_payload=self._take, on_up=self._up, on_down=self._down)
        self._load_facts = load_facts
        self._rooms: dict[str, Room] = {}
        self._by_channel: dict[str, Room] = {}
        self._listeners: dict[str, dict[Listener, None]] = {}
        """By a person's line: their sockets here."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running: asyncio.Task[None] | None = None
        self._healing = asyncio.Semaphore(HEALED_AT_ONCE)
        metrics.SOCKETS.set_function(lambda: sum(len(room.viewers) for room in list(self._rooms.values())))

    def start(self) -> None:
        """Begins to listen; idempotent. Needs a running event loop."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._feed.run())
            self._spawn(self._count())

    async def aclose(self) -> None:
        for task in [*self._tasks, *([self._running] if self._running else [])]:
            task.cancel()
        for room in self._rooms.values():
            room.close()
        await self.valkey.aclose()

    @property
    def reliable(self) -> bool:
        """Whether what is said here reaches the others, and theirs us."""
        return self._feed.up

    async def room(self, room_id: str) -> Room:
        """The room, opened if need be: subscribed, the end of its log read, its facts known.

        Raises ChatUnavailable when the process follows too many rooms. Valkey away is no reason: the room opens
        without a log.
        """
        found = self._rooms.get(room_id)
        if found is None:
            if len(self._rooms) >= ROOMS:
                raise ChatUnavailable
            found = self._rooms[room_id] = Room(room_id, on_gap=self._gap)
            self._by_channel[layout.channel(room_id)] = found
            self._spawn(self._open(found))
        await found.opened.wait()
        return found

    def find(self, room_id: str) -> Room | None:
        """The room, if it is open here."""
        found = self._rooms.get(room_id)
        return found if found and found.opened.is_set() else None

    def join(self, room: Room, viewer: Viewer) -> None:
        """From here on the viewer takes what comes after `room.offset`."""
        viewer.since = room.offset
        room.viewers[viewer] = None

    def leave(self, room: Room, viewer: Viewer) -> None:
        room.viewers.pop(viewer, None)
        if not room.viewers:
            asyncio.get_running_loop().call_later(LINGER_S, self._close_if_empty, room)

    def listen(self, user: str, listener: Listener) -> None:
        """From here on the listener hears what is for this person alone."""
        line = layout.line(user)
        here = self._listeners.setdefault(line, {})
        here[listener] = None
        if len(here) == 1:
            self._spawn(self._feed.subscribe(line))

    def hush(self, user: str, listener: Listener) -> None:
        """Ends what `listen` began; idempotent."""
        line = layout.line(user)
        here = self._listeners.get(line, {})
        here.pop(listener, None)
        if not here and self._listeners.pop(line, None) is not None:
            self._spawn(self._feed.unsubscribe(line))

    def close_room(self, room_id: str) -> None:
        """The room's channel is off the site: nobody stays."""
        room = self._rooms.get(room_id)
        for viewer in list(room.viewers) if room else ():
            viewer.room_closed()

    def turn_out(self, user: str) -> None:
        """Lets go who is here for this person."""
        for listener in list(self._listeners.get(layout.line(user), ())):
            listener.turned_out()

    async def missed(self, room: Room, *, epoch: str, offset: int, until: int) -> list[Record] | None:
        """The records after `offset` up to `until`, or None when they are no longer all to be had."""
        if epoch != room.epoch or offset > until:
            return None
        found = room.since(offset)
        if found is None:
            try:
                tail = await self.valkey.run(log.after(room.room, offset, epoch=fresh_epoch()))
            except BusError:
                return None
            found = list(tail.records)
            if tail.epoch != epoch or not found or not found[0].follows(offset) or found[-1].offset < until:
                return None
        return [record for record in found if record.offset <= until]

    async def facts(self, room_id: str, *, newest: bool = False) -> Facts:
        """The room's facts; with `newest` surely those that a post is held against."""
        room = self._rooms.get(room_id)
        if room is not None and room.facts is not None and not newest:
            return room.facts
        found = None
        try:
            found = await self.valkey.run(rooms.facts(room_id))
            if found is None:
                found = await self._load_facts(room_id)
                await self.valkey.run(rooms.put_facts(found))
        except BusError:
            if room is not None and room.facts is not None:
                return room.facts
            found = found or await self._load_facts(room_id)
        if room is not None:
            room.facts = found
        return found

    def tell(self, room_id: str, record: str) -> None:
        """Tells the viewers here; nothing is kept."""
        room = self._rooms.get(room_id)
        if room is not None:
            room.show(local(EPHEMERAL, record))

    def say_locally(self, room_id: str, text: str) -> None:
        """Shows a message to the viewers here only: Valkey is away."""
        room = self._rooms.get(room_id)
        if room is not None:
            room.show(local(MESSAGE, text))

    async def present(self, room_id: str) -> int:
        """How many people are in a room, in all processes; in this one alone while Valkey is away."""
        try:
            return await self.valkey.run(presence.count(room_id, now_ms=int(self._clock() * 1000)))
        except BusError:
            room = self._rooms.get(room_id)
            return len(room.viewers) if room else 0

    async def _open(self, room: Room) -> None:
        try:
            room.facts = await self.facts(room.room)
        except Exception:
            logger.exception("the facts of room %s are not to be had", room.room)
        try:
            if await self._feed.subscribe(layout.channel(room.room)):
                room.open(await self.valkey.run(log.tail(room.room, count=OPENED_WITH, epoch=fresh_epoch())))
        except BusError as error:
            logger.warning("room %s opens without its log: %s", room.room, error)
        finally:
            room.reliable = self._feed.up
            room.opened.set()  # whatever happened, somebody waits at the door
            # Who waited may have gone before they could join, and leave.
            asyncio.get_running_loop().call_later(LINGER_S, self._close_if_empty, room)

    def _close_if_empty(self, room: Room) -> None:
        if room.viewers or self._rooms.get(room.room) is not room:
            return
        del self._rooms[room.room]
        del self._by_channel[layout.channel(room.room)]
        room.close()
        self._spawn(self._feed.unsubscribe(layout.channel(room.room)))

    def _take(self, channel: str, payload: bytes) -> None:
        room = self._by_channel.get(channel)
        if room is None:
            for listener in list(self._listeners.get(channel, ())):
                listener.hear(payload.decode())
            return
        record = log.unpack_live(payload)
        room.receive(record)
        if record.kind == CONTROL and '"type":"room"' in record.text:
            self._spawn(self._refresh(room))

    async def _refresh(self, room: Room) -> None:
        room.facts = await self.facts(room.room, newest=True)
        for viewer in list(room.viewers):
            viewer.room_changed(room.facts)

    def _gap(self, room: Room) -> None:
        self._spawn(self._catch_up(room))

    async def _catch_up(self, room: Room) -> None:
        while self._rooms.get(room.room) is room:
            try:
                if not room.epoch:
                    tail = await self.valkey.run(log.tail(room.room, count=OPENED_WITH, epoch=fresh_epoch()))
                    room.open(tail)
                    whole = not room.viewers  # what was said before the log could be read they have not seen
                else:
                    tail = await self.valkey.run(log.after(room.room, room.offset, epoch=fresh_epoch()))
                    if tail.epoch != room.epoch:
                        tail = await self.valkey.run(log.tail(room.room, count=OPENED_WITH, epoch=fresh_epoch()))
                    whole = room.catch_up(tail)
            except BusError as error:
                logger.warning("room %s can't catch up yet: %s", room.room, error)
                await asyncio.sleep(RETRY_S)
                continue
            if not whole:
                room.show(local(EPHEMERAL, ANEW))
            if room.offset >= tail.offset or len(tail.records) < log.MOST:
                return

    async def _count(self) -> None:
        while True:
            rooms_here = [room for room in self._rooms.values() if room.viewers]
            for first in range(0, len(rooms_here), COUNTED_AT_ONCE):
                with contextlib.suppress(BusError):  # counts are missed, not mourned
                    await self._count_in(rooms_here[first : first + COUNTED_AT_ONCE])
            await asyncio.sleep(presence.BEAT_S)

    async def _count_in(self, rooms_here: list[Room]) -> None:
        """Says who is in these rooms, and asks how many there are: one round trip for all of them."""
        now_ms = int(self._clock() * 1000)
        beats = [
            beat
            for room in rooms_here
            for beat in presence.beat(room.room, [viewer.identity for viewer in room.viewers], now_ms=now_ms)
        ]
        counts = [presence.count(room.room, now_ms=now_ms) for room in rooms_here]
        found = (await self.valkey.run_all([*beats, *counts]))[len(beats) :]
        for room, count in zip(rooms_here, found, strict=True):
            room.present = count

    def _up(self) -> None:
        for room in self._rooms.values():
            if room.opened.is_set():
                self._spawn(self._heal(room))

    async def _heal(self, room: Room) -> None:
        async with self._healing:
            await self._catch_up(room)
        if not room.reliable:
            room.reliable = True
            room.show(local(EPHEMERAL, RELIABLE))

    def _down(self) -> None:
        for room in self._rooms.values():
            if room.reliable:
                room.reliable = False
                room.show(local(EPHEMERAL, UNRELIABLE))

    def _spawn(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the hub's work failed", exc_info=error)
