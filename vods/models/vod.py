"""A broadcast, again; or a highlight cut out of one."""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import models
from django.db.models import F, Q, Sum
from uuid_utils.compat import uuid7

from streaming.models import MAX_TITLE, Broadcast, Category, Channel

MAX_DESCRIPTION = 5_000
TITLE_WORDS = SearchVector("title", config="simple")
"""A title's words as they stand: a search must ask for this very expression to use its index."""


class VodKind(models.TextChoices):
    """Where a VOD's media comes from."""

    BROADCAST = "broadcast"
    HIGHLIGHT = "highlight"


class VodState(models.TextChoices):
    """Recording -> sealing -> ready; a highlight begins at sealing. Each may go to deleting and deleted, for good.

    `recording`: its broadcast is on, its media grows. `sealing`: the last of it is being archived and verified.
    `ready`: it plays, and never changes any more, but for renditions that are added. `failed`: there is nothing to
    play. `deleting`: nobody sees it. `deleted`: nothing is left in storage nor here, but for the mark that its
    broadcast is not to be archived again.
    """

    RECORDING = "recording"
    SEALING = "sealing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"
    DELETED = "deleted"


class Visibility(models.TextChoices):
    """Who may watch. The media of the last two is served to signed URLs alone."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    PRIVATE = "private"


OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)
"""Whoever has the address may watch."""


class Tier(models.TextChoices):
    """How quickly its media is at hand; dearer first. What is in the last two is brought back before it plays."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"
    ARCHIVE = "archive"


AT_HAND = (Tier.HOT, Tier.WARM)
"""What lies there plays at once."""


class VodQuerySet(models.QuerySet["Vod"]):
    """Reads of VODs."""

    def existing(self) -> VodQuerySet:
        """All but those that were deleted or are just being so."""
        return self.exclude(state__in=[VodState.DELETING, VodState.DELETED])

    def ready(self) -> VodQuerySet:
        """Those that play."""
        return self.filter(state=VodState.READY)

    def listed(self) -> VodQuerySet:
        """What everybody finds in lists: public, playable, of channels that have a page."""
        return self.ready().filter(
            visibility=Visibility.PUBLIC, channel__suspended=False, channel__user__is_active=True
        )

    def moving(self) -> VodQuerySet:
        """Those whose media is on its way into another tier."""
        return self.ready().filter(move__isnull=False)

    def coming(self) -> VodQuerySet:
        """Those that are being brought back to where they play."""
        return self.moving().filter(moving_to__in=AT_HAND).exclude(tier__in=AT_HAND)

    def of_channel(self, channel: Channel) -> VodQuerySet:
        """What its streamer sees: everything that is not being deleted."""
        return self.existing().filter(channel=channel)

    def of_broadcast(self, broadcast: UUID) -> VodQuerySet:
        """The one VOD of the broadcast with this id, if there is one."""
        return self.existing().filter(broadcast=broadcast)

    def stored(self) -> int:
        """Bytes in storage."""
        found: int | None = self.aggregate(stored=Sum("size"))["stored"]
        return found or 0

    def matching(self, words: str) -> VodQuerySet:
        """With all the words in the title, as search engines take them: "quoted phrases", or, -without."""
        query = SearchQuery(words, config="simple", search_type="websearch")
        return self.annotate(title_words=TITLE_WORDS).filter(title_words=query)

    def for_cards(self) -> VodQuerySet:
        """With all that a card shows, newest first, in one query."""
        return self.select_related("channel__user", "category").order_by("-recorded_at", "-id")


class Vod(models.Model):
    """One recording. `duration_ms` and `size` grow while it is recorded, and are exact from `ready` on.

    `recorded_at` is when its first picture was live. `target_duration` is EXT-X-TARGETDURATION in seconds, that of the
    broadcast, fixed with the first segment. `size` counts all bytes below `prefix`. A highlight says what it was cut
    from, in that VOD's ms: `source`, None once that is gone, and `from_ms` to `to_ms`.

    Its media lies in `tier`; pictures and chat stay hot. `move` names the move to `moving_to` that is under way; one
    without `moving_since` was given up, and is begun anew the next day. `recalled_at` is when storage was asked for
    what is away, and takes its time. `heat` counts its viewers of late, as of `watched_at`: each for half after a week
    (`vods.tiers`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # PROTECT: rows that went with their channel would leave their media behind in storage for ever.
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="vods")
    kind = models.CharField(max_length=9, choices=VodKind, default=VodKind.BROADCAST, editable=False)
    broadcast = models.OneToOneField(
        Broadcast, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="vod"
    )
    source = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="highlights"
    )
    from_ms = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    to_ms = models.PositiveBigIntegerField(null=True, blank=True, editable=False)

    state = models.CharField(max_length=9, choices=VodState, default=VodState.RECORDING, editable=False)
    error = models.CharField(max_length=500, blank=True, editable=False, help_text="Why it failed, in a sentence.")
    title = models.CharField(max_length=MAX_TITLE, blank=True)
    description = models.TextField(max_length=MAX_DESCRIPTION, blank=True)
    category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="vods")
    visibility = models.CharField(max_length=9, choices=Visibility, default=Visibility.PUBLIC)
    downloads = models.BooleanField(default=False, help_text="Whoever may watch it may download its MP4.")
    poster_ms = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The moment its poster shows; empty: one is chosen."
    )

    recorded_at = models.DateTimeField(editable=False)
    ready_at = models.DateTimeField(null=True, editable=False)
    duration_ms = models.PositiveBigIntegerField(default=0, editable=False)
    target_duration = models.PositiveSmallIntegerField(default=0, editable=False)
    size = models.PositiveBigIntegerField(default=0, editable=False)
    lost = models.PositiveIntegerField(
        default=0, editable=False, help_text="Segments that were gone before they could be archived."
    )
    views = models.PositiveBigIntegerField(default=0, editable=False)

    tier = models.CharField(max_length=7, choices=Tier, default=Tier.HOT, editable=False)
    tier_since = models.DateTimeField(null=True, editable=False)
    brought_up_at = models.DateTimeField(null=True, editable=False, help_text="When it last came into a hotter tier.")
    watched_at = models.DateTimeField(null=True, editable=False, help_text="When somebody last began to watch.")
    moving_to = models.CharField(max_length=7, choices=Tier, blank=True, default="", editable=False)
    moving_since = models.DateTimeField(null=True, editable=False)
    recalled_at = models.DateTimeField(null=True, editable=False)
    move = models.UUIDField(null=True, unique=True, editable=False)
    heat = models.FloatField(default=0.0, editable=False)
    kept = models.BooleanField(default=False, help_text="Retention does not delete it.")
    expires_at = models.DateTimeField(null=True, editable=False)
    warned_at = models.DateTimeField(null=True, editable=False)

    objects = VodQuerySet.as_manager()

    class Meta:
        verbose_name = "VOD"
        ordering = ["-recorded_at"]
        indexes = [
            models.Index(fields=["channel", "-recorded_at"], name="vod_of_channel"),
            models.Index(fields=["-recorded_at"], condition=Q(state="ready", visibility="public"), name="vod_listed"),
            models.Index(
                fields=["category", "-recorded_at"],
                condition=Q(state="ready", visibility="public"),
                name="vod_listed_of_category",
            ),
            GinIndex(TITLE_WORDS, name="vod_title_words"),
            # What asks for durable work, as dispatchers look for it every few seconds: few of all there are.
            models.Index(
                fields=["state"],
                condition=Q(state__in=[VodState.RECORDING, VodState.SEALING, VodState.DELETING]),
                name="vod_under_way",
            ),
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="vod_expiring"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=VodState.values), name="vod_state_known"),
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="vod_visibility_known"),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="vod_tier_known"),
            models.CheckConstraint(
                condition=Q(moving_to="", moving_since=None, recalled_at=None, move=None)
                | Q(moving_to__in=Tier.values, move__isnull=False),
                name="vod_moves_somewhere",
            ),
            models.CheckConstraint(
                condition=Q(kind=VodKind.BROADCAST, broadcast__isnull=False, from_ms=None, to_ms=None, source=None)
                | Q(kind=VodKind.HIGHLIGHT, broadcast=None, from_ms__isnull=False, to_ms__gt=F("from_ms")),
                name="vod_kind_has_its_origin",
            ),
            models.CheckConstraint(
                condition=~Q(state=VodState.READY) | Q(ready_at__isnull=False, target_duration__gt=0),
                name="vod_ready_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.headline} ({self.recorded_at:%Y-%m-%d})"

    @property
    def headline(self) -> str:
        """What it is listed by; select `channel__user` along."""
        return self.title or f"{self.channel.login}'s stream"

    @property
    def prefix(self) -> str:
        """All of it in storage has a name that begins so."""
        return f"vods/{self.pk}/"

    @property
    def plays(self) -> bool:
        return self.state == VodState.READY

    @property
    def at_hand(self) -> bool:
        """Whether its media is where it plays from, and stays there. Where `plays` is true, this says whether it does
        so now."""
        return self.tier in AT_HAND and self.moving_to in ("", *AT_HAND)

    @property
    def comes_back(self) -> bool:
        """Whether it is being brought back to where it plays."""
        return self.tier not in AT_HAND and self.moving_to in AT_HAND

    def get_absolute_url(self) -> str:
        return f"/videos/{self.pk}"
