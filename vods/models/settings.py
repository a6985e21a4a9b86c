"""What a channel wants done with its broadcasts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from streaming.models import Channel
from vods.models.vod import Visibility


class Clippers(models.TextChoices):
    """Who may clip, of those who are signed in and not banned from the channel's chat."""

    EVERYONE = "everyone"
    FOLLOWERS = "followers"
    SUBSCRIBERS = "subscribers"
    NOBODY = "nobody"


class ColdEnd(models.TextChoices):
    """What becomes of a VOD that nobody has watched for a year."""

    ARCHIVE = "archive"
    DELETE = "delete"


class VodSettings(models.Model):
    """A channel's; it has the channel's primary key, and is made when something is first changed.

    A channel without one has the defaults: `VodSettings(channel=channel)`. `quota` in bytes is the house's to set;
    empty is none, as an empty `retention_days` keeps VODs for ever.
    """

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="vod_settings")
    keep_broadcasts = models.BooleanField(default=True, help_text="A broadcast becomes a VOD when it has ended.")
    dvr = models.BooleanField(default=True, help_text="Viewers of a live broadcast can seek back to its start.")
    visibility = models.CharField(max_length=9, choices=Visibility, default=Visibility.PUBLIC)
    downloads = models.BooleanField(default=False)
    clippers = models.CharField(max_length=11, choices=Clippers, default=Clippers.EVERYONE)
    retention_days = models.PositiveSmallIntegerField(null=True, blank=True)
    cold_end = models.CharField(max_length=7, choices=ColdEnd, default=ColdEnd.ARCHIVE)
    quota = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "VOD settings"
        constraints = [
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="vodsettings_visibility_known"),
            models.CheckConstraint(condition=Q(clippers__in=Clippers.values), name="vodsettings_clippers_known"),
            models.CheckConstraint(
                condition=Q(retention_days=None) | Q(retention_days__gte=1), name="vodsettings_retention_is_days"
            ),
        ]

    def __str__(self) -> str:
        return f"VOD settings of {self.channel_id}"

    @property
    def archives(self) -> bool:
        """Whether a broadcast's media is archived while it is live."""
        return self.keep_broadcasts or self.dvr
