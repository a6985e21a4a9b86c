"""The multivariant playlist of a broadcast (RFC 8216bis 4.4.6)."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.media import AUDIO, Rendition

from .playlist import VERSION

_GROUP = "audio"


def render_multivariant(renditions: Sequence[Rendition], *, suffix: str = "", playlist: str = "index.m3u8") -> str:
    """One variant for each video rendition, in the given order, and one of audio alone; audio is a group of its own.

    `suffix` is put behind every URI: a query. `playlist` is what each rendition's media playlist is called.
    """
    name = playlist + suffix
    audio = next((rendition for rendition in renditions if rendition.name == AUDIO), None)
    # INDEPENDENT-SEGMENTS: segments are whole closed GOPs (4.4.2.1).
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio is not None:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_GROUP}",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,'
            f'URI="{_playlist_uri(audio, name)}"'
        )
    for rendition in renditions:
        lines += [_stream_inf(rendition, audio), _playlist_uri(rendition, name)]
    return "\n".join(lines) + "\n"


def _playlist_uri(rendition: Rendition, name: str) -> str:
    return f"{rendition.name}/{name}"


def _stream_inf(rendition: Rendition, audio: Rendition | None) -> str:
    """EXT-X-STREAM-INF; BANDWIDTH and CODECS cover the audio that plays along (4.4.6.2)."""
    tracks = [rendition] if audio is None or audio is rendition else [rendition, audio]
    attributes = [
        f"BANDWIDTH={max(1, sum(track.bandwidth for track in tracks))}",
        f'CODECS="{",".join(track.codecs for track in tracks)}"',
    ]
    if rendition.width and rendition.height:
        attributes.append(f"RESOLUTION={rendition.width}x{rendition.height}")
    if rendition.frame_rate:
        attributes.append(f"FRAME-RATE={rendition.frame_rate / 1000:.3f}")
    if audio is not None:
        attributes.append(f'AUDIO="{_GROUP}"')
    return "#EXT-X-STREAM-INF:" + ",".join(attributes)
