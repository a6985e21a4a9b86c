"""What the sockets let in. No broadcast is needed for it, so no database either."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from streaming.flv.amf0 import Value
from streaming.flv.tag import Tag
from streaming.ingest.connection import Publisher
from streaming.ingest.errors import IngestError, PublishingRefused
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.server import IngestServer, tls_context
from streaming.ingest.tags import TagReader
from streaming.media import AccessUnit, Track

from .clips import tags
from .encoder import Encoder

Connect = Callable[[], Awaitable[Encoder]]

LIMITS = Limits(connections_per_address=3, handshake=0.3, setup=0.6)


class Studio:
    """Takes every key but one, and keeps what comes."""

    def __init__(self) -> None:
        self.items: list[Track | AccessUnit] = []
        self.left = asyncio.Event()
        self._finished = asyncio.Event()
        self.failure: IngestError | None = None

    async def open(self, key: str, address: str) -> Publisher:
        if key == "wrong":
            raise PublishingRefused("This stream key is not known.")
        return self

    def video(self, item: Track | AccessUnit) -> None:
        self.items.append(item)

    def audio(self, item: Track | AccessUnit) -> None:
        self.items.append(item)

    def metadata(self, values: dict[str, Value]) -> None: ...

    def finish(self) -> None:
        self._finished.set()

    async def run(self) -> None:
        await self._finished.wait()

    async def leave(self, failure: IngestError | None) -> None:
        self.failure = failure
        self.left.set()


def read(some: Sequence[Tag]) -> list[Track | AccessUnit]:
    """What the publisher is handed of these tags."""
    reader = TagReader()
    return [item for tag in some if (item := reader.read(tag)) is not None]


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def server(studio: Studio) -> IngestServer:
    return IngestServer(open_publisher=studio.open, addresses=AddressBook(LIMITS, lambda: 0.0), limits=LIMITS)


@pytest_asyncio.fixture
async def port(server: IngestServer) -> AsyncIterator[int]:
    async with server.listening("127.0.0.1", 0) as number:
        yield number


@pytest_asyncio.fixture
async def connect(port: int) -> AsyncIterator[Connect]:
    encoders = []

    async def connect() -> Encoder:
        encoders.append(await Encoder.connect(port))
        return encoders[-1]

    yield connect
    for encoder in encoders:
        await encoder.close()


async def test_what_tags_carry_reaches_the_publisher(connect: Connect, studio: Studio) -> None:
    encoder = await connect()
    assert await encoder.publish("key") == "NetStream.Publish.Start"
    await encoder.tags(tags()[:10])
    await encoder.stop("key")
    await studio.left.wait()
    assert studio.items == read(tags()[:10])
    assert studio.failure is None


async def test_a_refused_key_gets_its_sentence_and_the_door(connect: Connect) -> None:
    encoder = await connect()
    assert await encoder.publish("wrong") == "NetStream.Publish.BadName"
    assert encoder.client.statuses()[0][1] == "This stream key is not known."
    await encoder.ended()


async def test_bytes_that_are_not_rtmp_get_the_door(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_who_says_nothing_gets_the_door(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_who_publishes_nothing_gets_the_door(connect: Connect) -> None:
    encoder = await connect()
    await encoder.send(encoder.client.connect())
    await encoder.ended()


async def test_broken_rtmp_ends_only_its_own_connection(connect: Connect, studio: Studio) -> None:
    good, bad = await connect(), await connect()
    await good.publish("key")
    await bad.send(bad.client.connect() + b"\xff" * 100)
    await bad.ended()
    await good.tags(tags()[:3])
    await good.stop("key")
    await studio.left.wait()
    assert studio.items == read(tags()[:3])


async def test_one_connection_too_many_of_an_address_gets_the_door(connect: Connect) -> None:
    taken = [await connect() for _ in range(LIMITS.connections_per_address)]
    await taken[-1].send(taken[-1].client.connect())
    extra = await connect()
    await extra.ended()
    assert extra.client.messages == []


async def test_stopping_the_server_lets_encoders_go(server: IngestServer, studio: Studio) -> None:
    async with server.listening("127.0.0.1", 0) as number:
        encoder = await Encoder.connect(number)
        await encoder.publish("key")
    assert studio.left.is_set()
    await encoder.ended()
    await encoder.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *subject]
    subprocess.run([*argv, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


async def test_rtmps_is_rtmp_over_tls(server: IngestServer, studio: Studio, certificate: tuple[Path, Path]) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    async with server.listening("127.0.0.1", 0, tls_context(*certificate)) as number:
        encoder = await Encoder.connect(number, tls=trusting)
        assert await encoder.publish("key") == "NetStream.Publish.Start"
        await encoder.tags(tags()[:5])
        await encoder.stop("key")
        await studio.left.wait()
    assert studio.items == read(tags()[:5])
