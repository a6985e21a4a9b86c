"""Who waits for a VOD that is in cold storage, and what storage costs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7

from streaming.models import Channel
from vods.models.vod import Tier, Vod


class Recall(models.Model):
    """Somebody has asked for a VOD to be brought back, and is written to when it is there; then the row goes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    vod = models.ForeignKey(Vod, on_delete=models.CASCADE, related_name="recalls")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recalls")
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vod", "by"], name="recall_once_a_viewer")]

    def __str__(self) -> str:
        return f"{self.by} waits for {self.vod_id}"


class StorageDay(models.Model):
    """What a channel's videos and clips took on a day in a tier, in bytes, and what that costs a month as the settings
    have it."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="storage_days")
    day = models.DateField()
    tier = models.CharField(max_length=7, choices=Tier)
    size = models.PositiveBigIntegerField()
    cost = models.DecimalField(max_digits=14, decimal_places=6, help_text="A month, at the prices of that day.")

    class Meta:
        ordering = ["-day", "channel", "tier"]
        constraints = [models.UniqueConstraint(fields=["channel", "day", "tier"], name="storageday_unique")]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.day} {self.tier}"
