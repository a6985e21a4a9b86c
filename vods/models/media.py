"""What a VOD's playlists are made of: renditions, their init sections, and bundles of segments in storage."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from streaming.media import Rendition
from vods.models.vod import Vod
from vods.segments import StoredSegment

MAX_SEGMENTS = 100
"""The most segments of a bundle."""


class VodRendition(models.Model):
    """One encoding of a VOD, as its multivariant playlist lists it once it is `complete`.

    Complete is a rendition that has every segment of the VOD, but for those that the source lost too (GAP). Source
    and audio are from when the VOD is sealed, others once what did not run while the broadcast was live was filled
    in. The fields are those of `streaming.media.Rendition`; where the encoder changed its format in mid-broadcast they
    describe the last one, and each init section its own.
    """

    vod = models.ForeignKey(Vod, on_delete=models.CASCADE, related_name="renditions")
    name = models.CharField(max_length=20)
    place = models.PositiveSmallIntegerField(help_text="Its place in the multivariant playlist, from 0.")
    codecs = models.CharField(max_length=100)
    bandwidth = models.PositiveBigIntegerField(help_text="Peak, in bit/s.")
    timescale = models.PositiveIntegerField(help_text="Ticks a second.")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    frame_rate = models.PositiveIntegerField(default=0, help_text="Frames per 1000 s.")
    complete = models.BooleanField(default=False)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["vod", "name"], name="vodrendition_unique"),
            models.CheckConstraint(condition=Q(timescale__gt=0), name="vodrendition_has_timescale"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rendition(self) -> Rendition:
        """As playlists are rendered from it."""
        return Rendition(
            name=self.name,
            codecs=self.codecs,
            bandwidth=self.bandwidth,
            timescale=self.timescale,
            width=self.width,
            height=self.height,
            frame_rate=self.frame_rate,
        )


class InitSection(models.Model):
    """A CMAF header under the number that the bus gave it. It is under 1 KiB, so it lies here and not in storage."""

    rendition = models.ForeignKey(VodRendition, on_delete=models.CASCADE, related_name="inits")
    number = models.PositiveBigIntegerField()
    data = models.BinaryField(max_length=65_536)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rendition", "number"], name="initsection_unique")]

    def __str__(self) -> str:
        return f"{self.rendition} init {self.number}"


def _numbers() -> ArrayField[list[int], list[int]]:
    return ArrayField(models.BigIntegerField(), size=MAX_SEGMENTS)


class BundleQuerySet(models.QuerySet["Bundle"]):
    """Reads of bundles."""

    def within(self, first_msn: int, count: int) -> BundleQuerySet:
        """Those that have some of these segments."""
        ends_after = models.ExpressionWrapper(F("first_msn") + F("count"), output_field=models.BigIntegerField())
        return self.filter(first_msn__lt=first_msn + count).annotate(end=ends_after).filter(end__gt=first_msn)


class Bundle(models.Model):
    """Consecutive segments of a rendition in one storage object; the n-th array elements tell of segment
    `first_msn + n`.

    `key` is made from the bytes too, so an object never changes under its name: a bundle that is made anew (a rendition
    was filled in) has another. `crc32` is that of the whole object, and was read back from storage. One that is all
    GAP has no object and an empty key; a single segment that is has size 0. `discontinuities` counts those of the
    broadcast up to the segment, as the bus does.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rendition = models.ForeignKey(VodRendition, on_delete=models.CASCADE, related_name="bundles")
    first_msn = models.PositiveBigIntegerField()
    count = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField()
    crc32 = models.PositiveBigIntegerField()
    sizes = _numbers()
    dts = _numbers()
    durations = _numbers()
    walls_ms = _numbers()
    discontinuities = _numbers()
    inits = _numbers()

    objects = BundleQuerySet.as_manager()

    class Meta:
        ordering = ["first_msn"]
        constraints = [
            models.UniqueConstraint(fields=["rendition", "first_msn"], name="bundle_unique"),
            models.CheckConstraint(condition=Q(count__range=(1, MAX_SEGMENTS)), name="bundle_is_bounded"),
            models.CheckConstraint(
                condition=Q(
                    sizes__len=F("count"),
                    dts__len=F("count"),
                    durations__len=F("count"),
                    walls_ms__len=F("count"),
                    discontinuities__len=F("count"),
                    inits__len=F("count"),
                ),
                name="bundle_tells_of_each_segment",
            ),
            models.CheckConstraint(
                condition=Q(key="", size=0) | (~Q(key="") & Q(size__gt=0)), name="bundle_has_object"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rendition} {self.first_msn}-{self.end_msn - 1}"

    @property
    def end_msn(self) -> int:
        """The MSN behind its last segment."""
        return self.first_msn + self.count

    @property
    def segments(self) -> list[StoredSegment]:
        """Its segments, in order; a gap has no bytes: its media was lost, or never made (EXT-X-GAP)."""
        found, offset = [], 0
        for index in range(self.count):
            size = self.sizes[index]
            found.append(
                StoredSegment(
                    msn=self.first_msn + index,
                    dts=self.dts[index],
                    duration=self.durations[index],
                    wall_ms=self.walls_ms[index],
                    discontinuity=self.discontinuities[index],
                    init=self.inits[index],
                    key=self.key,
                    offset=offset,
                    size=size,
                )
            )
            offset += size
        return found
