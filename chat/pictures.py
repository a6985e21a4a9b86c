"""Uploaded pictures, made anew: what we keep has no byte of what was sent. Pure but for Pillow."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from chat.errors import EmoteRefused

MOST_BYTES = 512 * 1024
MOST_SIDE = 2048
SIDE = 112
"""Four times the 28 px of a line, for large screens."""
FORMATS = ("PNG", "WEBP", "GIF", "JPEG")


def encode_emote(data: bytes) -> bytes:
    """A WebP of at most SIDE x SIDE pixels, its shape kept.

    Raises EmoteRefused: too large, of another format (asked of the bytes, not of the name), or broken.
    """
    if len(data) > MOST_BYTES:
        raise EmoteRefused(f"The picture may have at most {MOST_BYTES // 1024} KiB.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            # The header says the size: nothing large is ever decoded.
            if max(picture.size) > MOST_SIDE:
                raise EmoteRefused(f"The picture may have at most {MOST_SIDE} pixels a side.")
            picture.load()
            small = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise EmoteRefused("This is no PNG, WebP, GIF or JPEG picture.") from error
    if min(small.size) < 16:
        raise EmoteRefused("The picture must have at least 16 pixels a side.")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    small.save(encoded, "WEBP", quality=90, method=4)
    return encoded.getvalue()
