"""What can be wrong with FLV bytes.

FlvError
├── FlvFileError            framing: signature, header, tag sizes
├── FlvTagError             a tag body that breaks its own format
├── Amf0Error               a script value that is cut off, too deep or too large
└── UnsupportedCodecError   well-formed, but coded in something that is not carried
"""

from __future__ import annotations


class FlvError(ValueError):
    """Base of everything this package raises."""


class FlvFileError(FlvError):
    """The file's framing is broken: nothing behind this point can be read."""


class FlvTagError(FlvError):
    """A tag's body breaks its format."""


class Amf0Error(FlvError):
    """An AMF0 value is cut off, nested too deeply, or larger than the bound."""


class UnsupportedCodecError(FlvError):
    """The media is coded in something Headrace does not carry; `codec` names it for people."""

    def __init__(self, codec: str) -> None:
        super().__init__(f"{codec} is not supported")
        self.codec = codec
