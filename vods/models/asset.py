"""What is made of a VOD once it plays."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vods.models.vod import Vod


class AssetKind(models.TextChoices):
    """`facts` of each kind, a JSON object, once it is ready:

    mp4         {"from_ms", "to_ms", "width", "height", "codecs"}; one for each format that the encoder had, numbered
    audio       {"duration_ms"}: an .m4a
    storyboard  {"every_ms", "width", "height", "columns", "rows", "count", "sheets": [key, ...]}; `key` is its WebVTT
    poster      {"at_ms", "width", "height"}: a JPEG
    preview     {"duration_ms", "width", "height"}: 10 s of moments across the VOD, an MP4 without sound
    chat        {"messages", "every_ms", "offsets": [byte, ...]}: JSON lines in the order they were said, `at` being the
                position in ms; those of the n-th window of `every_ms` are between offsets n and n + 1
    """

    MP4 = "mp4"
    AUDIO = "audio"
    STORYBOARD = "storyboard"
    POSTER = "poster"
    PREVIEW = "preview"
    CHAT = "chat"


MOVED = (AssetKind.MP4, AssetKind.AUDIO)
"""What lies in its VOD's tier. Pictures and chat are small, and pages show them of every VOD: they stay hot."""


class AssetState(models.TextChoices):
    """`failed` says why in `error`; it may be tried again. `absent`: there is nothing to make it of."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    ABSENT = "absent"


class AssetQuerySet(models.QuerySet["Asset"]):
    """Reads of assets."""

    def ready(self) -> AssetQuerySet:
        return self.filter(state=AssetState.READY)

    def of_kind(self, kind: AssetKind) -> AssetQuerySet:
        return self.filter(kind=kind)


class Asset(models.Model):
    """One product: `progress` is its share done, 0 to 100, for the streamer's page. `size` is in bytes, all objects."""

    vod = models.ForeignKey(Vod, on_delete=models.CASCADE, related_name="assets")
    kind = models.CharField(max_length=10, choices=AssetKind)
    number = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=7, choices=AssetState, default=AssetState.MAKING)
    progress = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    facts = models.JSONField(default=dict)
    error = models.TextField(blank=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "number"]
        indexes = [models.Index(fields=["vod"], condition=Q(facts__has_key="asked"), name="asset_asked")]
        constraints = [
            models.UniqueConstraint(fields=["vod", "kind", "number"], name="asset_unique"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="asset_progress_is_a_share"),
            models.CheckConstraint(
                condition=Q(state=AssetState.READY) & ~Q(key="") | ~Q(state=AssetState.READY),
                name="asset_ready_is_there",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def label(self) -> str:
        """What pages call it."""
        return "MP4" if self.kind == AssetKind.MP4 else self.get_kind_display()
