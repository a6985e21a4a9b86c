"""A track on its way into a broadcast: the rendition it becomes, and the init sections it needs."""

from __future__ import annotations

from dataclasses import replace

from streaming.media import AccessUnit, Chunk, Codec, Track

from . import codecs
from .header import pack_header
from .outputs import InitSection, Output, Packaged
from .rendition import Opening, RenditionPackager

CHUNK_MS = 80
"""A source chunk is closed once it has lasted so long: about 0.1 s at any frame rate. The finer, the sooner a decoder
that holds frames back for reordering gets what releases them."""
_GUESSED_FRAME = 3_000
"""Ticks a lone video frame lasts where neither another frame nor the codec configuration tells: 1/30 s."""


class Lane:
    """One of the source's two tracks. Times are on the broadcast's timeline, in ticks of the rendition's `scale`.

    That is the first track's timescale, and stays: playlists and chunks of a rendition count in one scale for the
    broadcast's life, also when the encoder comes back with another sampling rate.
    """

    def __init__(self, rendition: str, track: Track, init: int, scale: int) -> None:
        self.rendition = rendition
        self.next_init = init
        self.scale = scale
        self._floor = 0
        self._use(track)

    def _use(self, track: Track) -> None:
        self.track = track
        self.format = codecs.parse(track.codec, track.config)
        self.packager = RenditionPackager(self.scale, chunk_ms=CHUNK_MS, frame_rate=self.format.frame_rate)
        self._announced = False
        self._last_duration = 0
        self.pending: Track | None = None

    @property
    def frame_duration(self) -> int:
        """How long a frame lasts, in ticks: the codec's for audio, as long as the last for video."""
        if self.track.codec is Codec.AAC:
            return round(self.format.frame_samples * self.scale / self.track.timescale)
        if self._last_duration:
            return self._last_duration
        rate = self.format.frame_rate
        return 1000 * self.scale // rate if rate else _GUESSED_FRAME

    @property
    def end(self) -> int:
        """Where the media so far ends, the held unit counted with a usual duration."""
        held = self.packager.held
        return max(self.packager.end, self._floor) if held is None else held.dts + self.frame_duration

    @property
    def init(self) -> int:
        """Number of the init section in use, or of the first one to come."""
        return self.next_init - self._announced

    @property
    def has_begun(self) -> bool:
        """Whether the rendition has an init section yet."""
        return self.next_init > 0

    def offer(self, track: Track) -> bool:
        """Use another configuration from the next segment on. True if players need a discontinuity for it.

        Changed parameter sets alone need only a new EXT-X-MAP; another codec, size or sampling rate is a change of
        encoding parameters that decoders may not survive (RFC 8216bis 4.4.4.3).
        """
        if track == self.track:
            self.pending = None
            return False
        told = codecs.parse(track.codec, track.config)
        self.pending = track
        if track.codec is Codec.AAC or track.codec is not self.track.codec:
            return True
        return (told.width, told.height) != (self.format.width, self.format.height)

    def adopt(self) -> None:
        """Use the configuration offered last, if any. No segment may be open."""
        if self.pending is not None:
            self._floor = self.end
            self._use(self.pending)

    def open(self, opening: Opening) -> list[Output]:
        """Begin a segment, with a new init section if one is due. The `init` of `opening` is filled in here."""
        outputs: list[Output] = []
        if not self._announced:
            # FLV tells no size, and Chromium refuses a video sample entry without one: the configuration tells it.
            track = replace(codecs.track(self.track.codec, self.track.config), timescale=self.scale)
            outputs.append(InitSection(self.rendition, self.next_init, pack_header(track), track, self.format))
            self._announced = True
            self.next_init += 1
        self.packager.open(replace(opening, init=self.init))
        return outputs

    def add(self, unit: AccessUnit) -> list[Output]:
        """Take the next access unit of the open segment."""
        held = self.packager.held
        if held is not None:
            self._last_duration = unit.dts - held.dts
        return self._packaged(self.packager.add(unit))

    def close(self, end: int) -> list[Output]:
        """End the open segment; the held unit lasts until `end`."""
        return self._packaged(self.packager.close(end))

    def close_before_held(self) -> tuple[list[Output], AccessUnit]:
        """End the open segment before the held unit, and give that one back."""
        chunks, unit = self.packager.close_before_held()
        return self._packaged(chunks), unit

    def gap(self, until: int) -> list[Output]:
        """Fill the time up to `until` with gap chunks; the held unit lasts as long as usual."""
        held = self.packager.held
        return self._packaged(self.packager.gap(until, self.end - held.dts if held is not None else 0))

    def _packaged(self, chunks: list[Chunk]) -> list[Output]:
        return [Packaged(self.rendition, chunk) for chunk in chunks]
