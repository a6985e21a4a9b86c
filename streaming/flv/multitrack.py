"""The two wrappers Enhanced RTMP v2 puts around audio and video bodies alike: ModEx and multitrack."""

from __future__ import annotations

from streaming.flv.errors import FlvTagError

ONE_TRACK = 0
MANY_TRACKS = 1
MANY_TRACKS_MANY_CODECS = 2
DEFAULT_TRACK = 0
MAX_MOD_EX = 8
"""How many ModEx prelude blocks one body may have; senders use one."""


def skip_mod_ex(body: bytes, at: int, packet: int, mod_ex: int) -> tuple[int, int]:
    """Step over ModEx blocks (nanosecond offsets and the like): the packet type behind them and where it goes on.

    A block is UI8 size - 1 (255: UI16 size - 1 follows), the data, then ModExType UB4 and the next packet type UB4.
    """
    for _ in range(MAX_MOD_EX):
        if packet != mod_ex:
            return packet, at
        size = int.from_bytes(body[at : at + 1], "big") + 1
        at += 1
        if size == 256:
            size = int.from_bytes(body[at : at + 2], "big") + 1
            at += 2
        at += size
        if at >= len(body):
            raise FlvTagError("a ModEx block runs past its tag")
        packet = body[at] & 0x0F
        at += 1
    raise FlvTagError(f"more than {MAX_MOD_EX} ModEx blocks in one tag")


def default_track(body: bytes, at: int) -> tuple[int, bytes, bytes] | None:
    """Packet type, FourCC and payload of track 0 in a multitrack body; None when the body has other tracks only.

    AvMultitrackType UB4, packet type UB4, FourCC (unless each track has its own); then each track: its own FourCC
    where codecs differ, track id UI8, size UI24 unless there is one track only, payload.
    """
    if at >= len(body):
        raise FlvTagError("a multitrack tag is shorter than its header")
    layout, packet = body[at] >> 4, body[at] & 0x0F
    at += 1
    if layout not in (ONE_TRACK, MANY_TRACKS, MANY_TRACKS_MANY_CODECS):
        raise FlvTagError(f"multitrack type {layout} does not exist")
    name = b""
    if layout != MANY_TRACKS_MANY_CODECS:
        name, at = _take(body, at, 4)
    while at < len(body):
        if layout == MANY_TRACKS_MANY_CODECS:
            name, at = _take(body, at, 4)
        track, at = _take(body, at, 1)
        if layout == ONE_TRACK:
            size = len(body) - at
        else:
            field, at = _take(body, at, 3)
            size = int.from_bytes(field, "big")
        payload, at = _take(body, at, size)
        if track[0] == DEFAULT_TRACK:
            return packet, name, payload
    return None


def _take(body: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(body):
        raise FlvTagError("a multitrack tag ends inside a track")
    return body[at : at + size], at + size
