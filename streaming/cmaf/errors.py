"""What can be wrong with media on its way into or out of CMAF.

CmafError
├── BoxError      a box is cut short, or its fields contradict its size
├── CodecError    a codec configuration can't be read, or is one we don't carry
└── PackagingError   access units were handed over against the packager's rules
"""

from __future__ import annotations


class CmafError(Exception):
    """Base of everything this package raises."""


class BoxError(CmafError):
    """A box can't be read. `kind` is its four-character code, or `b""` when not even that was there."""

    def __init__(self, kind: bytes, reason: str) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(f"{kind.decode('latin-1') or 'box'}: {reason}")


class CodecError(CmafError):
    """A codec configuration record is cut short, malformed, or of a kind CMAF can't carry."""

    def __init__(self, codec: str, reason: str) -> None:
        self.codec = codec
        self.reason = reason
        super().__init__(f"{codec}: {reason}")


class PackagingError(CmafError):
    """The caller broke a rule of the packager: times that run backwards, a segment opened twice."""
