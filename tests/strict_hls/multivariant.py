"""Reads a multivariant playlist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from .syntax import attributes_of, lines_of, must, name_of, unquote, value_of


@dataclass(frozen=True)
class Variant:
    uri: str
    bandwidth: int
    codecs: tuple[str, ...]
    resolution: tuple[int, int] | None
    frame_rate: Fraction | None
    audio: str | None


@dataclass(frozen=True)
class Multivariant:
    variants: tuple[Variant, ...]
    audio_uri: str | None


def parse_multivariant(text: str) -> Multivariant:
    lines = lines_of(text)
    must(lines[0] == "#EXTM3U" and int(value_of(lines[1])) >= 8, "EXTM3U and EXT-X-VERSION")
    must("#EXT-X-INDEPENDENT-SEGMENTS" in lines, "EXT-X-INDEPENDENT-SEGMENTS")
    media = [attributes_of(value_of(line)) for line in lines if name_of(line) == "#EXT-X-MEDIA"]
    must(len(media) <= 1, "one audio rendition")
    group = unquote(media[0]["GROUP-ID"]) if media else None
    if media:
        must(media[0]["TYPE"] == "AUDIO" and "NAME" in media[0], "EXT-X-MEDIA has TYPE and NAME")
    known = {"#EXTM3U", "#EXT-X-VERSION", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-MEDIA", "#EXT-X-STREAM-INF"}
    variants = []
    entries = iter(lines)
    for line in entries:
        if name_of(line) != "#EXT-X-STREAM-INF":
            must(name_of(line) in known, f"unknown line {line}")
            continue
        variants.append(_variant(attributes_of(value_of(line)), next(entries)))
    must(variants, "one variant at least")
    must(all(variant.audio == group for variant in variants), "every variant names the audio group")
    return Multivariant(tuple(variants), unquote(media[0]["URI"]) if media else None)


def _variant(attributes: dict[str, str], uri: str) -> Variant:
    must(not uri.startswith("#"), "a URI follows EXT-X-STREAM-INF")
    codecs = tuple(unquote(attributes["CODECS"]).split(","))
    for codec in codecs:
        must(re.fullmatch(r"avc1\.[0-9A-Fa-f]{6}|hvc1\.[0-9A-Fa-fLH.]+|av01\.[0-9.MH]+|mp4a\.40\.\d+", codec), codec)
    size = attributes.get("RESOLUTION", "").split("x")
    rate = attributes.get("FRAME-RATE")
    is_video = any(not codec.startswith("mp4a") for codec in codecs)
    must(is_video <= (len(size) == 2), "a video variant has a RESOLUTION")
    must(int(attributes["BANDWIDTH"]) > 1000, "BANDWIDTH is in bit/s")
    return Variant(
        uri=uri,
        bandwidth=int(attributes["BANDWIDTH"]),
        codecs=codecs,
        resolution=(int(size[0]), int(size[1])) if len(size) == 2 else None,
        frame_rate=Fraction(rate) if rate else None,
        audio=unquote(attributes["AUDIO"]) if "AUDIO" in attributes else None,
    )
