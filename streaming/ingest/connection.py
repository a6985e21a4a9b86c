"""One encoder's socket: bytes to and from the RTMP state machine, its events to a publisher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import structlog

from streaming.flv.amf0 import Value
from streaming.flv.tag import Tag, TagType
from streaming.ingest.errors import IngestError, PublishingRefused
from streaming.ingest.limits import Limits
from streaming.ingest.tags import TagReader
from streaming.media import AccessUnit, Track
from streaming.rtmp.connection import ServerConnection, State
from streaming.rtmp.errors import RtmpError
from streaming.rtmp.events import Connected, Event, Metadata, PublishRequested, Unpublished

E = TypeVar("E", bound=BaseException)

READ_SIZE = 256 * 1024

log = structlog.get_logger(__name__)


class Publisher(Protocol):
    """What takes an encoder's media: `publisher.Publisher`."""

    def video(self, item: Track | AccessUnit) -> None:
        """Take the video's configuration, or its next picture. Raises PublishingRefused."""

    def audio(self, item: Track | AccessUnit) -> None:
        """Take the audio's configuration, or its next frame. Raises PublishingRefused."""

    def metadata(self, values: dict[str, Value]) -> None:
        """Take what the encoder says about its media."""

    async def run(self) -> None:
        """Publish until finished. Raises IngestError when the encoder has to go."""

    def finish(self) -> None:
        """The encoder says nothing more: let `run` send the rest and return."""

    async def leave(self, failure: IngestError | None) -> None:
        """The encoder is gone, for `failure` if it was told to go."""


Open = Callable[[str, str], Awaitable[Publisher]]
"""Stream key and address in, a publisher out; raises PublishingRefused."""


class EncoderConnection:
    """Serves one encoder until either side closes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        address: str,
        open_publisher: Open,
        limits: Limits,
        random: bytes,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._address = address
        self._open = open_publisher
        self._limits = limits
        self._rtmp = ServerConnection(random)
        self._log = log.bind(address=address)

    async def serve(self) -> None:
        """Read until the end. Failures of this one connection are logged here and end it."""
        try:
            events = self._events()
            async for event in events:
                match event:
                    case Connected():
                        self._log.debug("connected", client=event.client)
                    case PublishRequested():
                        await self._publish(event.key, events)
        except* RtmpError as errors:
            self._log.info("broken RTMP", error=str(first_of(errors)))
        except* TimeoutError:
            self._log.info("timed out", state=self._rtmp.state.value)
        except* ConnectionError as errors:
            self._log.debug("connection lost", error=str(first_of(errors)))
        finally:
            await self._close()

    async def _publish(self, key: str, events: AsyncIterator[Event]) -> None:
        try:
            publisher = await self._open(key, self._address)
        except PublishingRefused as refusal:
            await self._refuse(refusal.sentence)
            return
        failure: IngestError | None = None
        try:
            self._rtmp.accept_publish()
            await self._send()
            await self._feed(publisher, events)
        except* IngestError as failures:
            failure = first_of(failures)
        finally:
            if failure is not None:
                await self._refuse(failure.sentence)
            await publisher.leave(failure)

    async def _feed(self, publisher: Publisher, events: AsyncIterator[Event]) -> None:
        reader = TagReader()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publisher.run())
            async for event in events:
                match event:
                    case Tag():
                        item = reader.read(event)
                        if item is not None:
                            (publisher.video if event.type is TagType.VIDEO else publisher.audio)(item)
                    case Metadata():
                        publisher.metadata(event.values)
                    case Unpublished():
                        break
            publisher.finish()

    async def _refuse(self, sentence: str) -> None:
        self._log.info("refused", sentence=sentence)
        self._rtmp.refuse_publish(sentence)
        with suppress(TimeoutError, ConnectionError):
            await self._send()

    async def _events(self) -> AsyncIterator[Event]:
        """What the encoder says, until it hangs up or was refused. Raises RtmpError, TimeoutError, ConnectionError."""
        loop = asyncio.get_running_loop()
        stage: State | None = None
        deadline = 0.0
        while self._rtmp.state is not State.CLOSED:
            if self._rtmp.state is State.PUBLISHING:
                stage = None
                data = await self._reader.read(READ_SIZE)  # the publisher sees to it that media comes
            else:
                # one deadline for all of a stage, however many bytes come
                if stage is not (stage := self._stage()):
                    deadline = loop.time() + self._seconds(stage)
                async with asyncio.timeout_at(deadline):
                    data = await self._reader.read(READ_SIZE)
            if not data:
                return
            events = self._rtmp.receive_data(data)
            await self._send()
            for event in events:
                yield event

    def _stage(self) -> State:
        return self._rtmp.state if self._rtmp.state is State.HANDSHAKE else State.CONNECTED

    def _seconds(self, stage: State) -> float:
        return self._limits.handshake if stage is State.HANDSHAKE else self._limits.setup

    async def _send(self) -> None:
        data = self._rtmp.data_to_send()
        if data:
            self._writer.write(data)
            async with asyncio.timeout(self._limits.write):
                await self._writer.drain()

    async def _close(self) -> None:
        try:
            if self._rtmp.state is State.CLOSED:
                await self._linger()
        finally:
            self._writer.close()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._limits.write):
                await self._writer.wait_closed()

    async def _linger(self) -> None:
        """Let the encoder hang up first: closing on what it still sends would reset the connection, and the system
        would throw away what was said to it before it has read why."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._limits.linger):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(READ_SIZE):
                    pass


def first_of(group: BaseExceptionGroup[E]) -> E:
    """The first single error of a group that may hold groups."""
    for error in group.exceptions:
        return first_of(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")
