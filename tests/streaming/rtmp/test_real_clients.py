"""What ffmpeg, librtmp and nginx were once recorded to send. `data/README.md` tells how."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.flv.file import Demuxer
from streaming.flv.tag import Tag, TagType
from streaming.rtmp.chunk import ChunkReader, ChunkWriter
from streaming.rtmp.connection import ServerConnection
from streaming.rtmp.events import Connected, Event, Metadata, PublishRequested, Unpublished

DATA = Path(__file__).parent / "data"
CLIENTS = ("ffmpeg", "librtmp", "nginx")
HANDSHAKE = 1 + 2 * 1536


def recorded(client: str) -> bytes:
    return (DATA / f"{client}.bin").read_bytes()


def clip() -> list[Tag]:
    tags = Demuxer().feed((DATA / "clip.flv").read_bytes())
    return [tag for tag in tags if tag.type is not TagType.SCRIPT]


def replay(data: bytes, step: int) -> list[Event]:
    server, events = ServerConnection(bytes(1528)), []
    for at in range(0, len(data), step):
        for event in server.receive_data(data[at : at + step]):
            events.append(event)
            if isinstance(event, PublishRequested):
                server.accept_publish()
    return events


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("step", [1, 7, 1_000_000])
def test_a_recorded_client_is_understood_whatever_the_size_of_reads(client: str, step: int) -> None:
    events = replay(recorded(client), step)
    assert [type(event) for event in events if not isinstance(event, Tag)][:3] == [
        Connected,
        PublishRequested,
        Metadata,
    ]
    assert PublishRequested("capture") in events
    tags = [event for event in events if isinstance(event, Tag)]
    assert {tag.type for tag in tags} == {TagType.AUDIO, TagType.VIDEO}


@pytest.mark.parametrize("client", ["ffmpeg", "librtmp"])
def test_stopping_is_understood(client: str) -> None:
    assert replay(recorded(client), 4096)[-1] == Unpublished()


def test_librtmp_delivers_the_clip_tag_by_tag() -> None:
    assert [event for event in replay(recorded("librtmp"), 4096) if isinstance(event, Tag)] == clip()


def test_nginx_delivers_the_rest_of_the_clip_byte_by_byte() -> None:
    bodies = [event.body for event in replay(recorded("nginx"), 4096) if isinstance(event, Tag)]
    assert {tag.body for tag in clip()} >= set(bodies)


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_recorded_is_written_and_read_again(client: str) -> None:
    said = list(ChunkReader().feed(recorded(client)[HANDSHAKE:]))
    assert len(said) > 10
    writer = ChunkWriter()
    again = b"".join(writer.write(3 + message.type, message) for message in said)
    assert list(ChunkReader().feed(again)) == said


@pytest.mark.parametrize("client", CLIENTS)
def test_a_recording_cut_off_anywhere_raises_nothing(client: str) -> None:
    data = recorded(client)
    whole = replay(data, len(data))
    for end in range(HANDSHAKE, len(data), 97):
        cut = replay(data[:end], end)
        assert cut == whole[: len(cut)]
