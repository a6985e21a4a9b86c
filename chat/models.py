"""Rooms, who is who in them, and what moderators did: the part of chat that PostgreSQL remembers.

A room is its channel's: it has the channel's primary key, and is made when somebody first changes something in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from uuid_utils.compat import uuid7

from chat.emotes import NAME_PATTERN
from streaming.models import Broadcast, Channel

MAX_TERM = 100
MAX_TERMS = 500
MAX_REASON = 500
MAX_EMOTES = 50


class Room(models.Model):
    """A channel's chat room and its modes. `revision` rises with each change, those of terms and emotes too."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="room")
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    slow_seconds = models.PositiveSmallIntegerField(default=0)
    followers_minutes = models.PositiveIntegerField(null=True, blank=True)
    subscribers_only = models.BooleanField(default=False)
    emote_only = models.BooleanField(default=False)
    unique_chat = models.BooleanField(default=False)
    links_allowed = models.BooleanField(default=True)
    spam_filter = models.BooleanField(default=True)
    pinned = models.JSONField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(slow_seconds=0) | Q(slow_seconds__range=(3, 120)), name="room_slow_in_range"
            ),
            models.CheckConstraint(
                condition=Q(followers_minutes=None) | Q(followers_minutes__lte=129_600), name="room_followers_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"room of {self.channel}"


class BlockedTerm(models.Model):
    """Words that a room does not allow; `*` stands for any letters."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="terms")
    term = models.CharField(max_length=MAX_TERM)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["term"]
        constraints = [models.UniqueConstraint(F("room"), Lower("term"), name="blockedterm_unique")]

    def __str__(self) -> str:
        return self.term


class Membership(models.Model):
    """A user's tie to a channel: the base of roles, follows and subscriptions."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="%(class)ss")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_%(class)ss")
    created_at = models.DateTimeField(editable=False)

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["channel", "user"], name="%(class)s_unique")]

    def __str__(self) -> str:
        return f"{self.user} of {self.channel}"


class Moderator(Membership):
    """Keeps order in a room."""


class Vip(Membership):
    """Passes limits in a room."""


class Follow(Membership):
    """Wants to hear of a channel."""

    class Meta(Membership.Meta):
        indexes = [models.Index(fields=["user", "-created_at"], name="follow_of_user")]


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Reads of subscriptions."""

    def current(self, now: datetime) -> SubscriptionQuerySet:
        return self.filter(Q(until=None) | Q(until__gt=now))


class Subscription(Membership):
    """Supports a channel. The house grants it; without `until` it does not end."""

    until = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    objects = SubscriptionQuerySet.as_manager()


class Ban(Membership):
    """May not talk in a room: until a time, or for good."""

    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=MAX_REASON, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")


class Block(models.Model):
    """A user does not want to see what another says, anywhere."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_blocks")
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "blocked"], name="block_unique"),
            models.CheckConstraint(condition=~Q(user=F("blocked")), name="block_not_oneself"),
        ]

    def __str__(self) -> str:
        return f"{self.user} blocks {self.blocked}"


class Profile(models.Model):
    """How somebody looks in every room, and what they want to hear. Without a `color` it is their login's."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="chat_profile"
    )
    color = models.CharField(max_length=7, blank=True, validators=[RegexValidator(r"\A#[0-9a-f]{6}\Z")])
    live_notices = models.BooleanField(
        default=True, verbose_name="Tell me on every page when a channel I follow goes live"
    )

    def __str__(self) -> str:
        return f"{self.user} in {self.color or 'no colour of their own'}"


def emote_path(emote: Emote, _name: str) -> str:
    """Under MEDIA_ROOT. An emote's picture never changes, so its id names it."""
    return f"emotes/{emote.pk}.webp"


class Emote(models.Model):
    """A channel's own emote. Its picture is what we encoded, never the bytes that were sent.

    One that was removed has given its name free, and keeps its picture for what was said with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="emotes")
    name = models.CharField(max_length=40, validators=[RegexValidator(rf"\A{NAME_PATTERN}\Z")])
    picture = models.FileField(upload_to=emote_path, editable=False)
    created_at = models.DateTimeField(editable=False)
    removed = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["room", "name"], name="emote_name_unique")]

    def __str__(self) -> str:
        return self.name


class HeldMessage(models.Model):
    """A message that waits for a moderator, and what was decided."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="held")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=500)
    reason = models.CharField(max_length=100)
    held_at = models.DateTimeField(editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    allowed = models.BooleanField(null=True, editable=False)

    class Meta:
        ordering = ["held_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_at=None, allowed=None) | Q(decided_at__isnull=False, allowed__isnull=False),
                name="held_decided_once",
            )
        ]

    def __str__(self) -> str:
        return self.text


class ModAction(models.Model):
    """What a moderator did, kept for ever. `before` is what an undo restores."""

    class Kind(models.TextChoices):
        BAN = "ban"
        UNBAN = "unban"
        TIMEOUT = "timeout"
        UNTIMEOUT = "untimeout"
        DELETE = "delete"
        CLEAR = "clear"
        MODE = "mode"
        MOD = "mod"
        UNMOD = "unmod"
        VIP = "vip"
        UNVIP = "unvip"
        TERM = "term"
        UNTERM = "unterm"
        ANNOUNCE = "announce"
        PIN = "pin"
        RAID = "raid"
        ALLOW = "allow"
        DENY = "deny"

    UNDOABLE = (Kind.BAN, Kind.UNBAN, Kind.TIMEOUT, Kind.UNTIMEOUT, Kind.MODE)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="actions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    target = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    facts = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    at = models.DateTimeField(editable=False)
    undone_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["room", "-at"], name="modaction_of_room")]

    def __str__(self) -> str:
        return f"{self.kind} in {self.room}"

    def to_json(self) -> dict[str, Any]:
        """What the room's log of actions shows; select `by` and `target` along."""
        return {
            "id": str(self.pk),
            "kind": self.kind,
            "by": self.by.username if self.by else None,
            "target": self.target.username if self.target else None,
            "facts": self.facts,
            "at": self.at.isoformat(),
            "undone": self.undone_at is not None,
            "undoable": self.kind in self.UNDOABLE,
        }


class Marker(models.Model):
    """A moment of a broadcast that its broadcaster wants to find again."""

    broadcast = models.ForeignKey(Broadcast, on_delete=models.CASCADE, related_name="markers")
    at = models.DateTimeField(editable=False)
    text = models.CharField(max_length=140, blank=True)

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return self.text or f"{self.at:%H:%M:%S}"
