"""What encoders do that the textbook doesn't, from the socket to the bus."""

from __future__ import annotations

from itertools import pairwise

import pytest

from streaming.bus import reading
from streaming.flv.tag import Tag, TagType
from streaming.health import Health
from streaming.media import AUDIO, SOURCE, Chunk

from .clips import moved, tags, until
from .conftest import Ingest

pytestmark = pytest.mark.django_db(transaction=True)

WRAP = 1 << 32


async def published(ingest: Ingest, key: str, sent: tuple[Tag, ...], msn: int) -> str:
    """Send tags, and wait for a segment to be opened by them: the broadcast."""
    encoder = await ingest.live(key)
    await encoder.tags(sent)
    return await ingest.opens(msn)


def is_continuous(chunks: list[Chunk]) -> bool:
    return all(
        after.dts == before.dts + before.duration and after.discontinuity == before.discontinuity
        for before, after in pairwise(chunks)
    )


async def test_timestamps_that_wrap_at_32_bits_go_on(ingest: Ingest, key: str) -> None:
    broadcast = await published(ingest, key, moved(tags(), WRAP - 2_500), 2)
    for rendition in (SOURCE, AUDIO):
        chunks = await ingest.chunks(broadcast, rendition)
        assert is_continuous(chunks)
        assert chunks[0].dts < 90_000


@pytest.mark.parametrize("jump", [3_600_000, -100_000])
async def test_a_jump_is_a_discontinuity_and_the_timeline_goes_on(ingest: Ingest, key: str, jump: int) -> None:
    base = 200_000
    sent = moved(tags(), base) + moved(tags(), base + 5_000 + jump)
    broadcast = await published(ingest, key, sent, 4)
    for rendition in (SOURCE, AUDIO):
        chunks = await ingest.chunks(broadcast, rendition)
        cuts = [(before, after) for before, after in pairwise(chunks) if before.discontinuity != after.discontinuity]
        assert len(cuts) == 1
        before, after = cuts[0]
        assert after.msn == before.msn + 1
        assert 0 <= after.dts - before.dts - before.duration < 10 * 90_000
        assert after.independent
    report = await ingest.valkey.run(reading.health(broadcast))
    assert report is None or Health.unpack(report).dropped_timestamps <= 50


async def test_video_only(ingest: Ingest, key: str) -> None:
    sent = tuple(tag for tag in tags() if tag.type is TagType.VIDEO)
    broadcast = await published(ingest, key, sent, 2)
    description = await ingest.description(broadcast)
    assert AUDIO not in [rendition.name for rendition in description.renditions]
    assert is_continuous(await ingest.chunks(broadcast, SOURCE))


async def test_audio_only(ingest: Ingest, key: str) -> None:
    sent = tuple(tag for tag in tags() if tag.type is TagType.AUDIO)
    broadcast = await published(ingest, key, sent, 1)
    description = await ingest.description(broadcast)
    assert [rendition.name for rendition in description.renditions] == [AUDIO]
    assert is_continuous(await ingest.chunks(broadcast, AUDIO))


@pytest.mark.parametrize(("codec", "name"), [("hevc", "hvc1"), ("av1", "av01")])
async def test_enhanced_rtmp_passes_hevc_and_av1_through(ingest: Ingest, key: str, codec: str, name: str) -> None:
    broadcast = await published(ingest, key, tags(codec), 1)
    source, *ladder, _ = (await ingest.description(broadcast)).renditions
    assert source.codecs.startswith(name)
    assert (source.width, source.height, source.frame_rate) == (320, 180, 30_000)
    assert [rung.codecs[:4] for rung in ladder] == ["avc1"] * len(ladder)
    assert is_continuous(await ingest.chunks(broadcast, SOURCE))


async def test_a_broadcast_begins_with_the_first_keyframe(ingest: Ingest, key: str) -> None:
    configs = tuple(tag for tag in tags() if tag.timestamp == 0)[:2]
    middle = tuple(tag for tag in tags() if tag.timestamp >= 1_500)
    broadcast = await published(ingest, key, configs + middle, 1)
    first = (await ingest.chunks(broadcast, SOURCE))[0]
    assert (first.independent, first.dts < 180_000) == (True, True)


async def test_media_before_any_configuration_is_waited_through(ingest: Ingest, key: str) -> None:
    early = moved(tags()[2:40], 0)
    broadcast = await published(ingest, key, early + moved(tags(), 100), 2)
    assert is_continuous(await ingest.chunks(broadcast, SOURCE))


async def test_a_repeated_sequence_header_changes_nothing(ingest: Ingest, key: str) -> None:
    header = next(tag for tag in tags() if tag.type is TagType.VIDEO)
    sent: list[Tag] = []
    for tag in tags():
        if tag.type is TagType.VIDEO and tag.body[0] == 0x17:
            sent.append(Tag(tag.type, 0, header.body))
        sent.append(tag)
    broadcast = await published(ingest, key, tuple(sent), 2)
    chunks = await ingest.chunks(broadcast, SOURCE)
    assert {chunk.init for chunk in chunks} == {0}
    assert is_continuous(chunks)


async def test_a_new_resolution_in_mid_broadcast_is_described(ingest: Ingest, key: str) -> None:
    sent = until(tags(), 4_000) + moved(tags("h264", "-s", "640x360"), 4_000)
    broadcast = await published(ingest, key, sent, 3)
    assert (await ingest.description(broadcast)).renditions[0].width == 640
    chunks = await ingest.chunks(broadcast, SOURCE)
    assert (chunks[0].init, chunks[-1].init, chunks[-1].discontinuity) == (0, 1, 1)
