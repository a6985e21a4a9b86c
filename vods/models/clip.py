"""A moment somebody wants to share."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from streaming.models import MAX_TITLE, Channel
from vods.models.vod import OPEN, Vod

LEAST_MS = 5_000
MOST_MS = 60_000


class ClipState(models.TextChoices):
    """Making -> ready or failed; deleting is for good."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class ClipQuerySet(models.QuerySet["Clip"]):
    """Reads of clips."""

    def existing(self) -> ClipQuerySet:
        return self.exclude(state=ClipState.DELETING)

    def ready(self) -> ClipQuerySet:
        return self.filter(state=ClipState.READY)

    def open(self) -> ClipQuerySet:
        """What everybody may know of: of channels that have a page, and not of a VOD that not everybody may watch.

        A VOD that was deleted still says what it was; its clips outlive it.
        """
        return self.existing().filter(
            Q(vod=None) | Q(vod__visibility__in=OPEN), channel__suspended=False, channel__user__is_active=True
        )

    def watchable(self) -> ClipQuerySet:
        """What everybody may watch."""
        return self.open().ready()

    def for_cards(self) -> ClipQuerySet:
        """With all that a card shows, newest first, in one query."""
        return self.select_related("channel__user", "by").order_by("-created_at")


class Clip(models.Model):
    """An MP4 of its own, cut out of a VOD at exact times. It outlives the VOD that retention deletes.

    `from_ms` and `to_ms` are positions in the VOD; while its broadcast is live, in what was archived so far.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="clips")
    vod = models.ForeignKey(Vod, on_delete=models.SET_NULL, null=True, editable=False, related_name="clips")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="clips"
    )
    state = models.CharField(max_length=8, choices=ClipState, default=ClipState.MAKING, editable=False)
    error = models.TextField(blank=True, editable=False)
    title = models.CharField(max_length=MAX_TITLE)
    from_ms = models.PositiveBigIntegerField(editable=False)
    to_ms = models.PositiveBigIntegerField(editable=False)
    created_at = models.DateTimeField(editable=False)
    key = models.CharField(max_length=200, blank=True, editable=False)
    poster_key = models.CharField(max_length=200, blank=True, editable=False)
    size = models.PositiveBigIntegerField(default=0, editable=False)
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    views = models.PositiveBigIntegerField(default=0, editable=False)

    objects = ClipQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["channel", "-created_at"], name="clip_of_channel"),
            models.Index(fields=["-created_at"], condition=Q(state=ClipState.READY), name="clip_ready"),
            models.Index(
                fields=["state"],
                condition=Q(state__in=[ClipState.MAKING, ClipState.DELETING]),
                name="clip_under_way",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ClipState.values), name="clip_state_known"),
            models.CheckConstraint(
                condition=Q(to_ms__gte=F("from_ms") + LEAST_MS, to_ms__lte=F("from_ms") + MOST_MS),
                name="clip_of_5_to_60_seconds",
            ),
            models.CheckConstraint(
                condition=~Q(state=ClipState.READY) | ~(Q(key="") | Q(poster_key="")), name="clip_ready_is_there"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def prefix(self) -> str:
        """All of it in storage has a name that begins so."""
        return f"clips/{self.pk}/"

    @property
    def duration_ms(self) -> int:
        return self.to_ms - self.from_ms

    def get_absolute_url(self) -> str:
        return f"/clips/{self.pk}"
