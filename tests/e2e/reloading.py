"""An HTTP client that loads a rendition as a low-latency player does, and checks every playlist that it gets."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.e2e import fragments
from tests.e2e.clip import Frame
from tests.strict_hls import MediaPlaylist, Reader


class ReloadingClient(threading.Thread):
    """Follows one media playlist to its end, by blocking reloads with delta updates, and keeps all it was served.

    `parts` and `segments` are bodies by URI; `failure` is what went wrong, if anything did.
    """

    def __init__(self, url: str) -> None:
        super().__init__(name=url, daemon=True)
        self.url = url
        self.reader = Reader()
        self.inits: dict[str, bytes] = {}
        self.parts: dict[str, bytes] = {}
        self.segments: dict[int, bytes] = {}
        self.init_of: dict[int, str] = {}
        self.reloads = 0
        self.failure: BaseException | None = None
        self._over = threading.Event()

    def run(self) -> None:
        try:
            with httpx.Client(timeout=20) as client:
                self._follow(client)
        except BaseException as failure:  # noqa: BLE001 - it is told in the test's own thread
            self.failure = failure

    def finish(self) -> ReloadingClient:
        """Stops, and raises what went wrong."""
        self._over.set()
        self.join(30)
        assert not self.is_alive(), f"{self.url} did not answer"
        if self.failure:
            raise self.failure
        return self

    def write(self, path: Path) -> Path:
        """The rendition as one file: its init section and every segment."""
        assert len(set(self.init_of.values())) == 1, "one init section for the whole broadcast"
        (init,) = set(self.init_of.values())
        path.write_bytes(self.inits[init] + b"".join(body for _, body in sorted(self.segments.items())))
        return path

    def frames(self) -> list[list[Frame]]:
        """The frames of each segment, in order."""
        return [fragments.frames(self.inits[self.init_of[msn]], body) for msn, body in sorted(self.segments.items())]

    def _follow(self, client: httpx.Client) -> None:
        playlist = self._reload(client, {})
        while not self._over.is_set() and not playlist.ended:
            self._load(client, playlist)
            msn, part = playlist.newest
            wanted: dict[str, int | str] = {"_HLS_msn": msn, "_HLS_part": part + 1, "_HLS_skip": "YES"}
            if playlist.segments[-1].duration is not None:
                wanted |= {"_HLS_msn": msn + 1, "_HLS_part": 0}
            playlist = self._reload(client, wanted)
        self._load(client, playlist)

    def _reload(self, client: httpx.Client, directives: dict[str, int | str]) -> MediaPlaylist:
        response = client.get(self.url, params=directives)
        while response.status_code == 503 and not self._over.is_set():
            response = client.get(self.url, params=directives)
        # Nothing comes while the encoder is away, and nothing is left once the broadcast was forgotten.
        if response.status_code in {404, 503} and self.reader.latest is not None:
            self._over.set()
            return self.reader.latest
        response.raise_for_status()
        self.reloads += 1
        return self.reader.take(response.text)

    def _load(self, client: httpx.Client, playlist: MediaPlaylist) -> None:
        for segment in playlist.segments:
            if segment.init not in self.inits:
                self.inits[segment.init] = self._get(client, segment.init)
            for part in segment.parts:
                if part.uri not in self.parts and not part.gap:
                    self.parts[part.uri] = self._get(client, part.uri)
            if segment.uri and segment.msn not in self.segments and not segment.gap:
                self.segments[segment.msn] = self._get(client, segment.uri)
                self.init_of[segment.msn] = segment.init

    def _get(self, client: httpx.Client, uri: str) -> bytes:
        response = client.get(urljoin(self.url, uri))
        response.raise_for_status()
        return response.content
