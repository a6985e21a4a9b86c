from __future__ import annotations

from streaming.hls.multivariant import render_multivariant
from streaming.media import AUDIO, SOURCE, Rendition
from tests.strict_hls import parse_multivariant

SOURCE_1080 = Rendition(SOURCE, "avc1.64002a", 6_000_000, 90_000, 1920, 1080, 59_940)
RUNG = Rendition("480p", "avc1.4d401f", 1_500_000, 90_000, 854, 480, 29_970)
SOUND = Rendition(AUDIO, "mp4a.40.2", 160_000, 48_000)

GOLDEN = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=6160000,CODECS="avc1.64002a,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=59.940,AUDIO="audio"
source/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1660000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=29.970,AUDIO="audio"
480p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=160000,CODECS="mp4a.40.2",AUDIO="audio"
audio/index.m3u8
"""


def test_golden_multivariant() -> None:
    assert render_multivariant([SOURCE_1080, RUNG, SOUND]) == GOLDEN
    assert len(parse_multivariant(GOLDEN).variants) == 3


def test_without_audio_there_is_no_group() -> None:
    playlist = parse_multivariant(render_multivariant([SOURCE_1080, RUNG]))
    assert playlist.audio_uri is None
    assert [variant.codecs for variant in playlist.variants] == [("avc1.64002a",), ("avc1.4d401f",)]


def test_audio_alone() -> None:
    playlist = parse_multivariant(render_multivariant([SOUND]))
    assert [variant.uri for variant in playlist.variants] == [playlist.audio_uri] == ["audio/index.m3u8"]


def test_uris_may_carry_a_query() -> None:
    text = render_multivariant([RUNG, SOUND], suffix="?token=t")
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "480p/index.m3u8?token=t",
        "audio/index.m3u8?token=t",
    ]
    assert 'URI="audio/index.m3u8?token=t"' in text
