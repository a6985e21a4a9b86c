"""What ingest tells the bus about a broadcast: renditions as the media shows them to be."""

from __future__ import annotations

from streaming.cmaf.outputs import InitSection
from streaming.ladder import ladder
from streaming.media import (
    AUDIO,
    PART_TARGET_MS,
    SOURCE,
    VIDEO_TIMESCALE,
    AccessUnit,
    BroadcastState,
    Chunk,
    Closes,
    Description,
    Rendition,
)

HEADROOM = 1.1
"""BANDWIDTH over the peak measured so far, so that it need not be corrected with each busier segment."""


class _Peak:
    """The highest bit rate of a whole segment (RFC 8216bis 4.4.6.2, BANDWIDTH)."""

    def __init__(self) -> None:
        self.announced = 0
        self._msn = -1
        self._bytes = 0
        self._ticks = 0

    def add(self, chunk: Chunk, timescale: int) -> bool:
        """Count a chunk in; true when what was announced is no longer true."""
        corrected = chunk.msn != self._msn and self._correct(timescale)
        if chunk.msn != self._msn:
            self._msn, self._bytes, self._ticks = chunk.msn, 0, 0
        self._bytes += len(chunk.data)
        self._ticks += chunk.duration
        if chunk.closes is Closes.SEGMENT:
            corrected |= self._correct(timescale)
        return corrected

    def known(self, timescale: int) -> int:
        """What to announce: audio's first segment may still be open when the broadcast is first described."""
        return self.announced or int(self._rate(timescale) * HEADROOM)

    def _rate(self, timescale: int) -> int:
        return self._bytes * 8 * timescale // self._ticks if self._ticks else 0

    def _correct(self, timescale: int) -> bool:
        rate = self._rate(timescale)
        if rate <= self.announced:
            return False
        self.announced = int(rate * HEADROOM)
        return True


class Describer:
    """Collects what the media shows, and writes the description from it."""

    def __init__(self, broadcast: str, *, partner: bool = False) -> None:
        self._broadcast = broadcast
        self._partner = partner
        self._sections: dict[str, InitSection] = {}
        self._peaks = {SOURCE: _Peak(), AUDIO: _Peak()}
        self._frames = 0
        """Frames that followed another one, from `_first_dts` to `_last_dts`."""
        self._first_dts = self._last_dts = -VIDEO_TIMESCALE - 1
        self._frame_rate = 0

    @property
    def leading(self) -> str:
        """The rendition whose segments are announced: source, or audio where there is no video."""
        return SOURCE if SOURCE in self._sections else AUDIO

    def frame(self, unit: AccessUnit) -> None:
        """Count a picture, for codec configurations that tell no frame rate."""
        if not 0 < unit.dts - self._last_dts <= VIDEO_TIMESCALE:
            self._frames, self._first_dts = 0, unit.dts
        else:
            self._frames += 1
        self._last_dts = unit.dts

    def section(self, section: InitSection) -> None:
        """A rendition has this configuration from here on."""
        known = self._sections.get(section.rendition)
        if section.rendition == SOURCE and known is not None and known.format != section.format:
            self._frames, self._first_dts, self._frame_rate = 0, self._last_dts, 0
        self._sections[section.rendition] = section

    def chunk(self, rendition: str, chunk: Chunk) -> bool:
        """A chunk was packaged; true when the description must be corrected."""
        return self._peaks[rendition].add(chunk, self._sections[rendition].track.timescale)

    def description(self, state: BroadcastState, target_duration: int) -> Description:
        """All of it, as it is now."""
        renditions: list[Rendition] = []
        if SOURCE in self._sections:
            source = self._rendition(SOURCE)
            renditions += [source, *(rung.rendition for rung in ladder(source))]
        if AUDIO in self._sections:
            renditions.append(self._rendition(AUDIO))
        return Description(
            broadcast=self._broadcast,
            state=state,
            target_duration=target_duration,
            part_target_ms=PART_TARGET_MS,
            renditions=tuple(renditions),
            partner=self._partner,
        )

    def _rendition(self, name: str) -> Rendition:
        section = self._sections[name]
        told = section.format
        return Rendition(
            name=name,
            codecs=told.codecs,
            bandwidth=self._peaks[name].known(section.track.timescale),
            timescale=section.track.timescale,
            width=told.width,
            height=told.height,
            frame_rate=(told.frame_rate or self._measured()) if name == SOURCE else 0,
        )

    def _measured(self) -> int:
        """Frames per 1000 s where the configuration doesn't tell. Measured once: names of the ladder hang on it."""
        lasted = self._last_dts - self._first_dts
        if not self._frame_rate and lasted >= VIDEO_TIMESCALE:
            self._frame_rate = round(self._frames * 1000 * VIDEO_TIMESCALE / lasted)
        return self._frame_rate
