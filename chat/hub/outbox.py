"""What waits to be sent to one socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from chat import metrics
from chat.hub.frame import Frame

MOST_BYTES = 1024 * 1024
"""What may wait for one socket; above that it is closed as slow."""
SLOW = 4008
"""The close code for a socket that reads too slowly; the client may come back and resume."""

Send = Callable[[dict[str, Any]], Awaitable[None]]
Write = Callable[[bytes], bool]
"""Takes a whole, unmasked frame; false when it was not taken, because the peer reads slowly or is leaving."""


class _Begun:
    """A coroutine that has run up to its first wait, to be awaited for the rest."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Generator[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - handed on into the coroutine, as `yield from` would
                step, argument = self._coroutine.throw, error
            else:
                step, argument = self._coroutine.send, value  # type: ignore[assignment]
            try:
                waits_for = step(argument)
            except StopIteration:
                return


class Outbox:
    """Sends frames to one socket in order, without a task as long as the socket takes them at once.

    A task per socket and frame would cost more than the frame. `write`, where the server has it (`chat.websocket`),
    takes a frame's bytes at once or refuses them. The server's `send` nearly always returns without waiting, so it is
    run in place, and only when it does wait its rest becomes a task and frames queue up behind it.
    """

    __slots__ = ("_bytes", "_send", "_task", "_waiting", "_write", "closed")

    def __init__(self, send: Send, write: Write | None = None) -> None:
        self._send = send
        self._write = write
        self._waiting: deque[Frame] | None = None
        """Made when first needed: an empty deque has 600 bytes, and most sockets never need one."""
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def put(self, text: str) -> bool:
        """Sends a frame, or queues it. False when that made the socket too slow: it is being closed."""
        return self.put_frame(Frame(text))

    def put_frame(self, frame: Frame) -> bool:
        """`put` of a frame made once for many sockets."""
        if self.closed:
            return True
        if self._task is None:
            if self._write is None or not self._write(frame.wire):
                self._begin(frame.event)
            return True
        self._bytes += len(frame.wire)
        if self._bytes > MOST_BYTES:
            metrics.SLOW.inc()
            self.close(SLOW, "slow")
            return False
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(frame)
        return True

    def close(self, code: int, reason: str = "") -> None:
        """Closes the socket; what waits is dropped."""
        if self.closed:
            return
        self.closed = True
        self._waiting = None
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._close(code, reason))

    def abandon(self) -> None:
        """The socket is gone: nothing is sent any more."""
        self.closed = True
        self._waiting = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _begin(self, event: dict[str, Any]) -> None:
        sending: Any = self._send(event)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 - servers raise what they like when the peer has gone
            self.closed = True
            return
        self._task = asyncio.get_running_loop().create_task(self._drain(_Begun(sending, waits_for)))

    async def _drain(self, begun: Awaitable[None]) -> None:
        try:
            await begun
            while self._waiting:
                frame = self._waiting.popleft()
                self._bytes -= len(frame.wire)
                await self._send(frame.event)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - as above: the peer has gone
            self.closed = True
            self._waiting = None
        self._task = None

    async def _close(self, code: int, reason: str) -> None:
        # It waits until the peer reads again; one that never does is the server's keepalive's to end.
        with contextlib.suppress(Exception):  # whatever it raises, there is nobody left to tell
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
