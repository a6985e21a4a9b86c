"""A rendition of a VOD as a player loads it: by the ranges and init sections of its playlist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from tests.e2e import fragments
from tests.e2e.clip import Frame


@dataclass(frozen=True, slots=True)
class RecordedSegment:
    init: bytes
    media: bytes

    def frames(self) -> list[Frame]:
        return fragments.frames(self.init, self.media)


def recorded(site: str, vod: str, rendition: str) -> list[RecordedSegment]:
    """All its segments. Raises AssertionError where one is a gap, or no range."""
    address = f"{site}/vods/{vod}/{rendition}/index.m3u8"
    found: list[RecordedSegment] = []
    init = b""
    with httpx.Client(timeout=30) as client:
        playlist = client.get(address).raise_for_status().text
        assert "EXT-X-GAP" not in playlist
        for line in re.finditer(r'EXT-X-MAP:URI="([^"]+)"|EXT-X-BYTERANGE:(\d+)@(\d+)\n([^#\n]+)', playlist):
            section, size, offset, uri = line.groups()
            if section:
                init = client.get(urljoin(address, section)).raise_for_status().content
                continue
            span = {"Range": f"bytes={offset}-{int(offset) + int(size) - 1}"}
            answer = client.get(urljoin(address, uri), headers=span)
            assert answer.status_code == 206
            found.append(RecordedSegment(init, answer.content))
    return found
