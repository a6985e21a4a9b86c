"""The ladder: which smaller encodings a source may have. Pure; who gets which of them is the workers' policy.

Rungs never exceed the source in size or frame rate. A rung is named after its lines, counted along the picture's
short side, so that a portrait 720p is 720 wide; above 30 frames a second its name carries the rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.media import VIDEO_TIMESCALE, Rendition

DEFAULT_FRAME_RATE = 30_000
"""Frames per 1000 s taken for a source that doesn't tell its rate."""

_SLOW = 31_000
_FAST = 61_000
"""The most frames per 1000 s of a rung of 30 and of 60 frames a second; of a faster source it takes every n-th."""

_HIGH = "high"
_MAIN = "main"
# lines, at high rate, bit/s, profile
_RUNGS = (
    (1080, True, 6_000_000, _HIGH),
    (720, True, 4_500_000, _HIGH),
    (720, False, 3_000_000, _HIGH),
    (480, False, 1_500_000, _HIGH),
    (360, False, 900_000, _MAIN),
    (160, False, 300_000, _MAIN),
)
BUFFER_SECONDS = 0.5
"""The rate control's buffer: how far a rung's bit rate may run ahead of its nominal one."""
LEAST_EFFORT, MOST_EFFORT = 0.7, 1.2
"""What an encoder may make of a rung's nominal bit rate: less for a calm picture, more for a wild one."""
_PEAK = 1.3 * MOST_EFFORT
"""BANDWIDTH over the nominal bit rate: a 2 s segment may spend one whole buffer on top, and CMAF adds its boxes."""

# Rec. ITU-T H.264 table A-1: level_idc, MaxMBPS, MaxFS, and MaxBR in 1000 bit/s (High profile takes 1.25 times that).
_LEVELS = (
    (11, 3_000, 396, 192),
    (12, 6_000, 396, 384),
    (13, 11_880, 396, 768),
    (20, 11_880, 396, 2_000),
    (21, 19_800, 792, 4_000),
    (22, 20_250, 1_620, 4_000),
    (30, 40_500, 1_620, 10_000),
    (31, 108_000, 3_600, 14_000),
    (32, 216_000, 5_120, 20_000),
    (40, 245_760, 8_192, 20_000),
    (42, 522_240, 8_704, 50_000),
    (50, 589_824, 22_080, 135_000),
    (51, 983_040, 36_864, 240_000),
    (52, 2_073_600, 36_864, 240_000),
)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: what an encoder must be told.

    `every` says that each such-many-th frame of the source is taken; `frame_rate` is what remains, in frames per
    1000 s; `bitrate` is in bit/s; `level_idc` is H.264's (31 is level 3.1).
    """

    name: str
    width: int
    height: int
    frame_rate: int
    every: int
    bitrate: int
    profile: str
    level_idc: int

    @property
    def rendition(self) -> Rendition:
        """The rung as the multivariant playlist lists it."""
        # RFC 6381 3.3: profile_idc, constraint flags, level_idc. x264 sets constraint_set1 for Main.
        profile = "6400" if self.profile == _HIGH else "4D40"
        return Rendition(
            name=self.name,
            codecs=f"avc1.{profile}{self.level_idc:02X}",
            bandwidth=int(self.bitrate * _PEAK),
            timescale=VIDEO_TIMESCALE,
            width=self.width,
            height=self.height,
            frame_rate=self.frame_rate,
        )

    @property
    def pixel_rate(self) -> int:
        """Pixels a second: what it costs, near enough."""
        return self.width * self.height * self.frame_rate // 1000


def ladder(source: Rendition) -> tuple[Rung, ...]:
    """The rungs below a source, from the largest down.

    A rung of the source's own size and rate is there only where the source is not H.264: a browser that can't play
    HEVC or AV1 gets the whole picture all the same.
    """
    rate = source.frame_rate or DEFAULT_FRAME_RATE
    short = min(source.width, source.height)
    plays_everywhere = source.codecs.startswith(("avc1", "avc3"))
    rungs = []
    for lines, fast, bitrate, profile in _RUNGS:
        if lines > short or (fast and rate <= _SLOW):
            continue
        every = _divisor(rate, _FAST if fast else _SLOW)
        if lines == short and every == 1 and plays_everywhere:
            continue
        width, height = _scaled(source.width, lines, short), _scaled(source.height, lines, short)
        frame_rate = rate // every
        rungs.append(
            Rung(
                name=_name(lines, frame_rate, fast),
                width=width,
                height=height,
                frame_rate=frame_rate,
                every=every,
                bitrate=bitrate,
                profile=profile,
                level_idc=_level(width, height, frame_rate, int(bitrate * MOST_EFFORT)),
            )
        )
    return tuple(rungs)


def _divisor(rate: int, most: int) -> int:
    return -(-rate // most)


def _scaled(length: int, lines: int, short: int) -> int:
    """A side of the picture when its short side has `lines`: even, for 4:2:0 has no half chroma sample."""
    return max(2, (length * lines + short) // (2 * short) * 2)


def _name(lines: int, frame_rate: int, fast: bool) -> str:
    if fast or lines == 720:
        return f"{lines}p{(frame_rate + 500) // 1000}"
    return f"{lines}p"


def _level(width: int, height: int, frame_rate: int, bitrate: int) -> int:
    """The lowest level that a rung fits in; level 5.2 takes whatever is larger."""
    macroblocks = -(-width // 16) * -(-height // 16)
    for level_idc, most_per_second, most, most_kbit in _LEVELS:
        if (
            macroblocks <= most
            and macroblocks * frame_rate <= most_per_second * 1000
            and max(width, height) <= 16 * int((8 * most) ** 0.5)  # A.3.1: PicWidthInMbs <= Sqrt(MaxFS * 8)
            and bitrate <= most_kbit * 1000
        ):
            return level_idc
    return _LEVELS[-1][0]
