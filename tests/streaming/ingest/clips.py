"""Tags to send: clips of the real ffmpeg, repeated and moved in time."""

from __future__ import annotations

import functools
from dataclasses import replace

from streaming.flv.file import Demuxer
from streaming.flv.tag import Tag, TagType
from tests.streaming.flv.clips import clip


@functools.cache
def tags(codec: str = "h264", *more: str, seconds: int = 5, rate: int = 48_000) -> tuple[Tag, ...]:
    """Audio and video tags of a clip: 30 fps, a keyframe each second."""
    found = Demuxer().feed(clip(codec, *more, seconds=seconds, rate=rate))
    return tuple(tag for tag in found if tag.type is not TagType.SCRIPT)


def moved(some: tuple[Tag, ...], milliseconds: int) -> tuple[Tag, ...]:
    """The same tags, later."""
    return tuple(replace(tag, timestamp=tag.timestamp + milliseconds) for tag in some)


def until(some: tuple[Tag, ...], milliseconds: int) -> tuple[Tag, ...]:
    """The tags before a time."""
    return tuple(tag for tag in some if tag.timestamp < milliseconds)
