"""What is recorded of a VOD, read from the database."""

from __future__ import annotations

from vods.models import Vod, VodRendition
from vods.timeline import Timeline


def timeline_of(rendition: VodRendition) -> Timeline:
    """The rendition's segments, those that are missing in between as gaps."""
    segments = [segment for bundle in rendition.bundles.all() for segment in bundle.segments]
    return Timeline(segments, timescale=rendition.timescale)


def leading_rendition(vod: Vod) -> VodRendition | None:
    """The one that decides on segments: source, or audio where there is no video. None if nothing is recorded."""
    return vod.renditions.order_by("place").first()
