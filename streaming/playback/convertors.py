"""What may stand in an address of media: bounded, since a path is anybody's to write.

Starlette's own take digits without end, which Python refuses to read as a number, and NUL, which PostgreSQL refuses.
"""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, StringConvertor, register_url_convertor


class Number(IntegerConvertor):
    """As large as anything here grows: a CRC-32 has ten digits."""

    regex = "[0-9]{1,10}"


class Name(StringConvertor):
    """A rendition's: `source`, `720p60`, `audio`."""

    regex = "[a-z0-9]{1,16}"


register_url_convertor("number", Number())
register_url_convertor("name", Name())
