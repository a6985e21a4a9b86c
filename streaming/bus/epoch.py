"""The bus's epoch: a random name it gets once. Another name means that it lost its memory."""

from __future__ import annotations

import secrets

from streaming.bus.layout import EPOCH, Call, small

_EPOCH = small("redis.call('SET', KEYS[1], ARGV[1], 'NX') return redis.call('GET', KEYS[1])")


def epoch() -> Call[str]:
    """The bus's epoch, given now if it has none."""
    return Call(arguments=(secrets.token_hex(8),), parse=_text, script=_EPOCH, keys=(EPOCH,))


def _text(reply: bytes) -> str:
    return reply.decode()
