"""Playlists as players get them: rendered once for everyone who asks for the same state of a rendition."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from gzip import compress

from streaming.bus.layout import Progress
from streaming.hls.multivariant import render_multivariant
from streaming.hls.playlist import RenditionReport
from streaming.media import AUDIO, SOURCE, Description

WORTH_PACKING = 512
"""Shorter playlists fit a packet as they are."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist's bytes, and the same packed by gzip where that is worth it."""

    plain: bytes
    packed: bytes | None

    @classmethod
    def of(cls, text: str) -> Playlist:
        plain = text.encode()
        # mtime: the same playlist is the same bytes.
        return cls(plain, compress(plain, compresslevel=5, mtime=0) if len(plain) > WORTH_PACKING else None)


def multivariant(description: Description) -> Playlist:
    return Playlist.of(render_multivariant(description.renditions))


class PlaylistCache:
    """The newest playlist of a rendition, whole and as a delta update; or the newest manifest of a broadcast."""

    def __init__(self) -> None:
        self._rendered: dict[bool, tuple[Hashable, Playlist]] = {}

    def get(self, version: Hashable, *, skip: bool, render: Callable[[], str]) -> Playlist:
        """The playlist of `version`, rendered if this is the first to ask for it."""
        rendered, playlist = self._rendered.get(skip, (version, None))
        if playlist is None or version != rendered:
            playlist = Playlist.of(render())
            self._rendered[skip] = version, playlist
        return playlist


def rendition_reports(
    description: Description, progress: Mapping[str, Progress], running: Mapping[str, int], *, besides: str
) -> list[RenditionReport]:
    """How far the others that run are. An idle rendition is not reported: a player would wait for it in vain."""
    reports = []
    for rendition in description.renditions:
        first = 0 if rendition.name in {SOURCE, AUDIO} else running.get(rendition.name)
        reached = progress.get(rendition.name)
        if rendition.name == besides or first is None or reached is None or reached.whole_msn < first:
            continue
        reports.append(RenditionReport(rendition.name, reached.whole_msn, reached.whole_part))
    return reports
