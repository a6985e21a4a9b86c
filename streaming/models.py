"""Channels and what they broadcast: the part of Headrace that PostgreSQL remembers."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from uuid_utils.compat import uuid7

from streaming.media import BroadcastState

MAX_TITLE = 140
MAX_TAGS = 10
MAX_TAG = 25

STATE_CHOICES = [
    (BroadcastState.LIVE.value, "live"),
    (BroadcastState.RECONNECTING.value, "reconnecting"),
    (BroadcastState.ENDED.value, "ended"),
]


def _tags_field() -> ArrayField[list[str], list[str]]:
    return ArrayField(models.CharField(max_length=MAX_TAG), size=MAX_TAGS, default=list, blank=True)


class Category(models.Model):
    """What a broadcast is about: a game, a craft, talk."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=60, unique=True)

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="category_name_unique")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("streaming:category", args=[self.slug])


class ChannelQuerySet(models.QuerySet["Channel"]):
    """Reads of channels."""

    def public(self) -> ChannelQuerySet:
        """Channels that have a page: not suspended, of an active user."""
        return self.filter(suspended=False, user__is_active=True)

    def beginning(self, words: str) -> ChannelQuerySet:
        """Channels whose login begins so, in order; the login's index finds them."""
        return self.filter(user__username__startswith=words.lower()).select_related("user").order_by("user__username")

    def with_login(self, login: str) -> ChannelQuerySet:
        """The channel at `/<login>`, whatever the login's case."""
        return self.select_related("user", "category").filter(user__username=login.lower())


class Channel(models.Model):
    """A user's place on the site. `title`, `category` and `tags` are what the next broadcast starts with."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="channel")
    title = models.CharField(max_length=MAX_TITLE, blank=True)
    category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    tags = _tags_field()
    partner = models.BooleanField(default=False, help_text="A partner of the house.")
    suspended = models.BooleanField(default=False, help_text="Can't go live, and has no page.")
    created_at = models.DateTimeField(editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tags__len__lte=MAX_TAGS), name="channel_tags_bounded"),
        ]

    def __str__(self) -> str:
        return self.login

    @property
    def login(self) -> str:
        """The user's login; select `user` along."""
        return self.user.username

    @property
    def headline(self) -> str:
        """What stands over the channel's page while nothing is on."""
        return self.title or f"{self.login}'s channel"

    def get_absolute_url(self) -> str:
        return reverse("streaming:channel", args=[self.login])


class StreamKeyQuerySet(models.QuerySet["StreamKey"]):
    """Reads of stream keys."""

    def usable(self) -> StreamKeyQuerySet:
        """Keys that were not revoked."""
        return self.filter(revoked_at=None)


class StreamKey(models.Model):
    """What an encoder shows to broadcast on a channel. Only its SHA-256 is kept; a channel has at most one in use."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="stream_keys")
    prefix = models.CharField(max_length=12, editable=False)
    hash = models.CharField("SHA-256", max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = StreamKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["channel"], condition=Q(revoked_at=None), name="streamkey_one_usable"),
            models.CheckConstraint(condition=Q(hash__regex="^[0-9a-f]{64}$"), name="streamkey_hash_shape"),
        ]

    def __str__(self) -> str:
        return f"{self.hash[:12]}…"


class BroadcastQuerySet(models.QuerySet["Broadcast"]):
    """Reads of broadcasts."""

    def open(self) -> BroadcastQuerySet:
        """Broadcasts that have not ended: live or reconnecting."""
        return self.exclude(state=BroadcastState.ENDED)

    def public(self) -> BroadcastQuerySet:
        """Broadcasts of channels that have a page."""
        return self.filter(channel__suspended=False, channel__user__is_active=True)

    def matching(self, words: str) -> BroadcastQuerySet:
        """With the words in title, login or category, or as a tag. It looks at each broadcast: narrow down first."""
        return self.filter(
            Q(title__icontains=words)
            | Q(channel__user__username__icontains=words)
            | Q(category__name__icontains=words)
            | Q(tags__contains=[words.lower()])
        )

    def for_cards(self) -> BroadcastQuerySet:
        """With all that a card shows, newest first, in one query."""
        return self.select_related("channel__user", "category").order_by("-started_at", "-id")


class Broadcast(models.Model):
    """One live session of a channel; it survives reconnects, and has ended for good when it has.

    `title`, `category` and `tags` are copied from the channel at the start and edited with it until the end.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="broadcasts")
    stream_key = models.ForeignKey(
        StreamKey, on_delete=models.SET_NULL, null=True, editable=False, related_name="broadcasts"
    )
    state = models.CharField(max_length=12, choices=STATE_CHOICES, default=BroadcastState.LIVE.value, editable=False)
    started_at = models.DateTimeField(editable=False)
    reconnecting_since = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    ingest = models.CharField(max_length=100, editable=False, help_text="The ingest process that has its encoder.")
    title = models.CharField(max_length=MAX_TITLE, blank=True)
    category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="broadcasts")
    tags = _tags_field()

    objects = BroadcastQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["-started_at"], name="broadcast_started"),
            models.Index(fields=["channel", "-started_at"], name="broadcast_of_channel"),
            models.Index(fields=["ended_at"], name="broadcast_ended"),
        ]
        constraints = [
            # Whatever races, a channel has one broadcast: the second INSERT fails.
            models.UniqueConstraint(
                fields=["channel"], condition=~Q(state=BroadcastState.ENDED.value), name="broadcast_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in BroadcastState]), name="broadcast_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=BroadcastState.ENDED.value, ended_at__isnull=False)
                | (~Q(state=BroadcastState.ENDED.value) & Q(ended_at=None)),
                name="broadcast_ended_at_iff_ended",
            ),
            models.CheckConstraint(
                condition=Q(state=BroadcastState.RECONNECTING.value, reconnecting_since__isnull=False)
                | (~Q(state=BroadcastState.RECONNECTING.value) & Q(reconnecting_since=None)),
                name="broadcast_reconnecting_since_iff_reconnecting",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="broadcast_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(tags__len__lte=MAX_TAGS), name="broadcast_tags_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.channel.login} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Live, or waiting for its encoder to come back."""
        return self.state != BroadcastState.ENDED

    @property
    def headline(self) -> str:
        """What it is listed by; select `channel__user` along."""
        return self.title or f"{self.channel.login}'s stream"
