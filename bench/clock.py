"""A wall clock that survives encoding: black and white blocks along the top of the picture.

A strip is BLOCKS blocks wide: one white and one black for the threshold, then BITS bits of milliseconds since 1970,
most significant first, then CHECK_BITS bits that are their sum modulo 256. Pure, and read back by `clock.js`.
"""

from __future__ import annotations

BITS = 32
CHECK_BITS = 8
BLOCKS = 2 + BITS + CHECK_BITS
BLACK, WHITE = 16, 235


def checksum(stamp: int) -> int:
    return sum(stamp.to_bytes(4, "big")) & 0xFF


def strip(milliseconds: int, *, width: int, height: int) -> bytes:
    """One frame of `width` x `height` bytes of luma (limited range) that shows a time, modulo 2^32 ms."""
    stamp = milliseconds % (1 << BITS)
    code = stamp << CHECK_BITS | checksum(stamp)
    bits = [1, 0, *(code >> shift & 1 for shift in range(BITS + CHECK_BITS - 1, -1, -1))]
    row = bytes(WHITE if bits[x * BLOCKS // width] else BLACK for x in range(width))
    return row * height


def strip_height(picture_height: int) -> int:
    """Tall enough to be read after a scale to 160 lines, and even, as 4:2:0 wants it."""
    return picture_height // 12 // 2 * 2
