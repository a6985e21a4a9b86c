"""H.264 out of RTP payloads (RFC 6184): whole access units as they were encoded, nothing broken. Pure.

After a loss nothing is handed out until the next IDR is whole: a viewer sees the picture stand, never a broken one.
"""

from __future__ import annotations

from collections.abc import Iterator

from streaming.cmaf import avc
from streaming.ingest.errors import PublishingRefused
from streaming.media import VIDEO_TIMESCALE, AccessUnit, Codec, Track

IDR, SEI, SPS, PPS, DELIMITER, FILLER = 5, 6, 7, 8, 9, 12
STAP_A, FU_A = 24, 28
SINGLE = range(1, 24)
SLICES = range(1, 6)
LEFT_OUT = frozenset({SPS, PPS, DELIMITER, FILLER})
"""What an access unit doesn't carry in an `avc1` track (ISO/IEC 14496-15 5.4.2): parameter sets are in the header."""
MAX_UNIT = 8 * 1024 * 1024
MAX_NALS = 1_000


class _Broken(Exception):
    """A payload contradicts itself, or what came before it."""


class PictureReader:
    """Payloads in order in, `Track` and `AccessUnit` out; times are in 90 kHz ticks, of decoding and presentation both.

    A `Track` comes before the first IDR, and before one with other parameter sets.
    """

    def __init__(self) -> None:
        self._track: Track | None = None
        self._time: int | None = None
        self._nals: list[bytes] = []
        self._fragments: list[bytes] = []
        self._size = 0
        self._in_step = False
        """Whether the unit being read is whole from its first packet on."""
        self._last: int | None = None
        self._sets_come_along = False
        """Whether the last whole IDR brought its parameter sets."""
        self.waits_for_idr = True

    def read(self, payload: bytes, time: int, *, marker: bool) -> Iterator[Track | AccessUnit]:
        """Take the next payload; `time` is its unit's, `marker` says that it ends it. Raises PublishingRefused."""
        if not payload:
            return  # padding, which probes the path
        if self._time is not None and time != self._time:
            yield from self._finish()
            self._in_step = True
        self._time = time
        try:
            self._take(payload)
        except _Broken:
            self.lose()
        if marker:
            yield from self._finish()
            # whatever comes next begins a unit
            self._time, self._in_step = None, True

    def lose(self) -> None:
        """Something is missing before the next payload."""
        self._drop()
        self._time, self._in_step = None, False
        self.waits_for_idr = True

    def _drop(self) -> None:
        self._nals, self._fragments, self._size = [], [], 0

    def _take(self, payload: bytes) -> None:
        if len(payload) < 2:
            raise _Broken
        if not self._in_step and not _begins_unit(payload):
            return
        self._in_step = True
        self._size += len(payload)
        if self._size > MAX_UNIT or len(self._nals) > MAX_NALS:
            raise _Broken
        kind = payload[0] & 0x1F
        if kind in SINGLE:
            self._add(payload)
        elif kind == STAP_A:
            for nal in _aggregated(payload):
                self._add(nal)
        elif kind == FU_A:
            self._fragment(payload)
        else:
            raise _Broken  # the other kinds are not of packetization mode 1 (RFC 6184 5.4)

    def _add(self, nal: bytes) -> None:
        if self._fragments:
            raise _Broken
        self._nals.append(nal)

    def _fragment(self, payload: bytes) -> None:
        """RFC 6184 5.8: indicator, header, and a piece."""
        start, end = payload[1] & 0x80, payload[1] & 0x40
        if bool(start) == bool(self._fragments) or len(payload) < 3:
            raise _Broken
        if start:
            self._fragments.append(bytes(((payload[0] & 0xE0) | (payload[1] & 0x1F),)))
        self._fragments.append(payload[2:])
        if end:
            nal, self._fragments = b"".join(self._fragments), []
            self._nals.append(nal)

    def _finish(self) -> Iterator[Track | AccessUnit]:
        nals, cut_off, time = self._nals, bool(self._fragments), self._time
        whole = self._in_step and not cut_off
        self._drop()
        if cut_off:
            self.waits_for_idr = True
        if not whole or time is None:
            return
        kinds = {nal[0] & 0x1F for nal in nals if nal}
        if SPS in kinds:
            yield from self._configure(nals)
        if self._track is None or not kinds & set(SLICES) or (self.waits_for_idr and not self._resumes(kinds)):
            return
        if IDR in kinds:
            self._sets_come_along = SPS in kinds
        if self._last is not None and time < self._last and not self.waits_for_idr:
            raise PublishingRefused("The encoder sends B-frames, which WebRTC can't carry. Set them to 0.")
        self.waits_for_idr = False
        self._last = time
        data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals if nal[0] & 0x1F not in LEFT_OUT)
        yield AccessUnit(time, time, data, sync=IDR in kinds)

    def _resumes(self, kinds: set[int]) -> bool:
        """Whether pictures can go on here after a loss: new parameter sets may be among what was lost."""
        return IDR in kinds and (SPS in kinds or not self._sets_come_along)

    def _configure(self, nals: list[bytes]) -> Iterator[Track]:
        sps = _unique(nal for nal in nals if nal[0] & 0x1F == SPS)
        pps = _unique(nal for nal in nals if nal[0] & 0x1F == PPS)
        if not sps or not pps:
            return
        track = Track(Codec.H264, VIDEO_TIMESCALE, avc.configuration(sps, pps))
        if track != self._track:
            self._track = track
            yield track


def _begins_unit(payload: bytes) -> bool:
    """Whether an access unit begins here for sure: with a delimiter, parameter sets, or the IDR's first macroblock."""
    kind, header = payload[0] & 0x1F, 1
    if kind == STAP_A:
        # what precedes parameter sets can only be of their own unit (ITU-T H.264 7.4.1.2.3)
        return any(nal[0] & 0x1F in {DELIMITER, SPS} for nal in _aggregated(payload))
    if kind == FU_A:
        if not payload[1] & 0x80:
            return False
        kind, header = payload[1] & 0x1F, 2
    if kind in {DELIMITER, SPS}:
        return True
    # ITU-T H.264 7.3.3: first_mb_in_slice is 0 if the slice header's first bit is set
    return kind == IDR and len(payload) > header and bool(payload[header] & 0x80)


def _aggregated(payload: bytes) -> Iterator[bytes]:
    """RFC 6184 5.7.1: after the header, sizes of 16 bits and NAL units."""
    at = 1
    while at < len(payload):
        start = at + 2
        at = start + int.from_bytes(payload[at:start], "big")
        if at > len(payload) or at == start:
            raise _Broken
        yield payload[start:at]


def _unique(nals: Iterator[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(nals))
