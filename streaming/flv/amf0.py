"""Action Message Format AMF 0: the values of RTMP commands and of FLV script data.

Numbers are float, objects are dict, ECMA arrays are `EcmaArray` (a dict), strict arrays are list, null, undefined and
unsupported are None, dates are float (ms since 1970). References, typed objects and AMF 3 are refused: no encoder
sends them where Headrace listens.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from streaming.flv.errors import Amf0Error

Value: TypeAlias = "float | int | bool | str | Mapping[str, Value] | Sequence[Value] | None"

MAX_DEPTH = 16
MAX_VALUES = 4096
"""How many values one message may hold, containers and their members included."""

NUMBER = 0x00
BOOLEAN = 0x01
STRING = 0x02
OBJECT = 0x03
NULL = 0x05
UNDEFINED = 0x06
ECMA_ARRAY = 0x08
OBJECT_END = 0x09
STRICT_ARRAY = 0x0A
DATE = 0x0B
LONG_STRING = 0x0C
UNSUPPORTED = 0x0D
XML_DOCUMENT = 0x0F

_DOUBLE = struct.Struct(">d")
_END = b"\x00\x00\x09"


class EcmaArray(dict[str, Value]):
    """An associative array (AMF0 2.10): onMetaData is one."""


def decode(data: bytes) -> list[Value]:
    """All values of a message, one behind the other. Raises Amf0Error."""
    return _Reader(data).all()


def encode(*values: Value) -> bytes:
    """The bytes of values, one behind the other. Raises Amf0Error for what AMF 0 cannot say."""
    out = bytearray()
    for value in values:
        _write(out, value, 0)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._values = 0

    def all(self) -> list[Value]:
        values: list[Value] = []
        while self._at < len(self._data):
            values.append(self._value(0))
        return values

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise Amf0Error(f"an AMF0 value is cut off: {end - len(self._data)} bytes are missing")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _number(self) -> float:
        return float(_DOUBLE.unpack(self._take(8))[0])

    def _string(self, length_size: int) -> str:
        # replaced rather than refused: encoders put their name and the like here in whatever their system speaks
        return self._take(int.from_bytes(self._take(length_size), "big")).decode("utf-8", "replace")

    def _value(self, depth: int) -> Value:
        self._values += 1
        if depth > MAX_DEPTH:
            raise Amf0Error(f"AMF0 values nested more than {MAX_DEPTH} deep")
        if self._values > MAX_VALUES:
            raise Amf0Error(f"more than {MAX_VALUES} AMF0 values in one message")
        marker = self._take(1)[0]
        if marker == NUMBER:
            return self._number()
        if marker == BOOLEAN:
            return self._take(1) != b"\x00"
        if marker == STRING:
            return self._string(2)
        if marker == OBJECT:
            return self._members({}, depth)
        if marker in (NULL, UNDEFINED, UNSUPPORTED):
            return None
        if marker == ECMA_ARRAY:
            # AMF0 2.10: the count is a hint, the end marker decides
            self._take(4)
            return self._members(EcmaArray(), depth)
        if marker == STRICT_ARRAY:
            count = int.from_bytes(self._take(4), "big")
            return [self._value(depth + 1) for _ in range(count)]
        if marker == DATE:
            milliseconds = self._number()
            self._take(2)
            return milliseconds
        if marker in (LONG_STRING, XML_DOCUMENT):
            return self._string(4)
        raise Amf0Error(f"AMF0 type 0x{marker:02x} is not read here")

    def _members(self, members: dict[str, Value], depth: int) -> dict[str, Value]:
        while True:
            name = self._string(2)
            if not name and self._data[self._at : self._at + 1] == bytes((OBJECT_END,)):
                self._at += 1
                return members
            members[name] = self._value(depth + 1)


def _write(out: bytearray, value: Value, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Amf0Error(f"AMF0 values nested more than {MAX_DEPTH} deep")
    match value:
        case None:
            out.append(NULL)
        case bool():
            out += bytes((BOOLEAN, value))
        case int() | float():
            out.append(NUMBER)
            out += _DOUBLE.pack(value)
        case str():
            text = value.encode()
            long = len(text) > 0xFFFF
            out.append(LONG_STRING if long else STRING)
            out += len(text).to_bytes(4 if long else 2, "big") + text
        case EcmaArray():
            out.append(ECMA_ARRAY)
            out += len(value).to_bytes(4, "big")
            _write_members(out, value, depth)
        case Mapping():
            out.append(OBJECT)
            _write_members(out, value, depth)
        case Sequence():
            out.append(STRICT_ARRAY)
            out += len(value).to_bytes(4, "big")
            for item in value:
                _write(out, item, depth + 1)


def _write_members(out: bytearray, members: Mapping[str, Value], depth: int) -> None:
    for name, value in members.items():
        text = name.encode()
        if len(text) > 0xFFFF:
            raise Amf0Error("an AMF0 member name is longer than 65,535 bytes")
        out += len(text).to_bytes(2, "big") + text
        _write(out, value, depth + 1)
    out += _END
