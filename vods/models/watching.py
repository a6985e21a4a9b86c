"""Where in a VOD somebody wants to be. The marks a streamer sets while live are `chat.models.Marker`."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from vods.models.vod import Vod

MAX_CHAPTER = 140


class Chapter(models.Model):
    """A named part of a VOD, from here to the next chapter."""

    vod = models.ForeignKey(Vod, on_delete=models.CASCADE, related_name="chapters")
    at_ms = models.PositiveBigIntegerField()
    title = models.CharField(max_length=MAX_CHAPTER)

    class Meta:
        ordering = ["at_ms"]
        constraints = [models.UniqueConstraint(fields=["vod", "at_ms"], name="chapter_unique")]

    def __str__(self) -> str:
        return self.title


class WatchPosition(models.Model):
    """Where somebody who is signed in left off."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watch_positions")
    vod = models.ForeignKey(Vod, on_delete=models.CASCADE, related_name="watch_positions")
    at_ms = models.PositiveBigIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "-updated_at"], name="watchposition_of_user")]
        constraints = [models.UniqueConstraint(fields=["user", "vod"], name="watchposition_unique")]

    def __str__(self) -> str:
        return f"{self.user} at {self.at_ms} ms"
