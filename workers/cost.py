"""What a broadcast takes of a device, in pixels a second: those that are encoded, and what goes with it. Pure.

*Measured* with x264 and grainy pictures of 480 to 1080 lines on a core that does 85 million pixels a second: decoding
and scaling a source's pixel took 0.2 to 0.4 of what encoding one takes, and handling frames whatever their size, in
ffmpeg and in Python, as much as 3 million pixels a second. By the rungs alone a lone 160p of a 1080p60 source would
pass for a twelfth of what it takes. `probe` measures a device's capacity in the same unit.
"""

from __future__ import annotations

from collections.abc import Collection

from streaming.ladder import DEFAULT_FRAME_RATE
from streaming.media import SOURCE, Description, Rendition

DECODING = 0.3
"""What decoding and scaling a source's pixel costs, against encoding one."""
TASK = 3_000_000
"""What a broadcast costs whatever the size of its pictures."""


def encoding(rendition: Rendition) -> int:
    """What it takes to encode a rendition: its pixels a second."""
    return rendition.width * rendition.height * (rendition.frame_rate or DEFAULT_FRAME_RATE) // 1000


def decoding(source: Rendition) -> int:
    """What it takes to decode a source."""
    return int(DECODING * encoding(source))


def upkeep(description: Description) -> int:
    """What a broadcast takes before anything is encoded; a standby takes no more until it is promoted."""
    return TASK + sum(decoding(each) for each in description.renditions if each.name == SOURCE)


def cost(description: Description, names: Collection[str]) -> int:
    """What a broadcast takes to make these renditions, if any."""
    if not names:
        return 0
    return upkeep(description) + sum(encoding(each) for each in description.renditions if each.name in names)
