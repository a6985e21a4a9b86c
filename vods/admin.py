"""VODs, what is made of them, and clips in the admin. What changes anything goes through the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from streaming.admin.readonly import ReadOnlyAdmin
from vods.errors import VodError
from vods.models import Asset, Clip, ClipState, StorageDay, Tier, Vod, VodRendition, VodSettings
from vods.moments import format_moment
from vods.services import clips, tiers, vods
from vods.services.settings import set_quota


def _move_to(tier: Tier) -> Any:
    @admin.action(description=f"Move to {tier.label.lower()} storage", permissions=["act"])
    def move(model_admin: VodAdmin, request: HttpRequest, chosen: QuerySet[Vod]) -> None:
        done = 0
        for vod_id in chosen.values_list("pk", flat=True):
            try:
                tiers.move_vod(vod_id=vod_id, to=tier, now=timezone.now())
                done += 1
            except VodError as error:
                model_admin.message_user(request, f"{vod_id}: {error}", messages.WARNING)
        model_admin.message_user(request, f"{done} on the way to {tier.label.lower()} storage.")

    move.__name__ = f"move_to_{tier.value}"
    return move


class ReadOnlyInline(admin.TabularInline):
    """Rows of a VOD that are shown only."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class RenditionInline(ReadOnlyInline):
    model = VodRendition
    fields = ("place", "name", "codecs", "width", "height", "bandwidth", "complete")


class AssetInline(ReadOnlyInline):
    model = Asset
    fields = ("kind", "number", "state", "progress", "size", "error")


@admin.register(Vod)
class VodAdmin(ReadOnlyAdmin):
    """Every VOD; the actions hide, delete, and move to another tier."""

    list_display = ("__str__", "channel", "kind", "state", "visibility", "length", "stored", "views", "tier")
    list_filter = ("state", "kind", "visibility", "tier", "moving_to", "recorded_at")
    list_select_related = ("channel__user",)
    search_fields = ("id", "channel__user__username", "title")
    date_hierarchy = "recorded_at"
    inlines = (RenditionInline, AssetInline)
    actions = ("make_private", "delete_for_good", *map(_move_to, Tier))
    fields = (
        "id",
        "channel",
        "kind",
        "broadcast",
        "source",
        "state",
        "error",
        "lost",
        "title",
        "description",
        "category",
        "visibility",
        "downloads",
        "recorded_at",
        "ready_at",
        "length",
        "stored",
        "views",
        "watched_at",
        "tier",
        "tier_since",
        "moving_to",
        "moving_since",
        "brought_up_at",
        "heat",
        "kept",
        "expires_at",
        "warned_at",
    )

    @admin.display(description="length", ordering="duration_ms")
    def length(self, vod: Vod) -> str:
        return format_moment(vod.duration_ms)

    @admin.display(description="stored", ordering="size")
    def stored(self, vod: Vod) -> str:
        return filesizeformat(vod.size)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Staff who may change VODs may hide and delete them, though the admin lets nobody edit the row."""
        return request.user.has_perm("vods.change_vod")

    @admin.action(description="Make private", permissions=["act"])
    def make_private(self, request: HttpRequest, chosen: QuerySet[Vod]) -> None:
        """Nobody but their streamers watches them; addresses handed out before are shut."""
        done = 0
        for vod_id in chosen.values_list("pk", flat=True):
            try:
                vods.edit_vod(vod_id=vod_id, visibility="private")
                done += 1
            except VodError as error:
                self.message_user(request, f"{vod_id}: {error}", messages.WARNING)
        self.message_user(request, f"{done} now private.")

    @admin.action(description="Delete for good, media too", permissions=["act"])
    def delete_for_good(self, request: HttpRequest, chosen: QuerySet[Vod]) -> None:
        """Gone for everybody at once; the media follows."""
        done = 0
        for vod_id in chosen.values_list("pk", flat=True):
            try:
                vods.delete_vod(vod_id=vod_id)
                done += 1
            except VodError as error:
                self.message_user(request, f"{vod_id}: {error}", messages.WARNING)
        self.message_user(request, f"{done} deleted.")


@admin.register(Asset)
class AssetAdmin(ReadOnlyAdmin):
    """What is made of VODs; `workers` shows the steps that make it, and tries them again."""

    list_display = ("vod", "kind", "number", "state", "progress", "size")
    list_filter = ("kind", "state")
    list_select_related = ("vod__channel__user",)
    search_fields = ("vod__id", "vod__channel__user__username")
    fields = ("vod", "kind", "number", "state", "progress", "key", "size", "facts", "error")


@admin.register(Clip)
class ClipAdmin(ReadOnlyAdmin):
    """Every clip; the action deletes."""

    list_display = ("title", "channel", "by", "state", "length", "views", "created_at")
    list_filter = ("state", "created_at")
    list_select_related = ("channel__user", "by")
    search_fields = ("id", "channel__user__username", "by__username", "title")
    date_hierarchy = "created_at"
    fields = (
        "id",
        "channel",
        "vod",
        "by",
        "state",
        "error",
        "title",
        "from_ms",
        "to_ms",
        "created_at",
        "size",
        "views",
    )
    actions = ("delete_for_good",)

    @admin.display(description="length")
    def length(self, clip: Clip) -> str:
        return format_moment(clip.duration_ms)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Staff who may change clips may delete them."""
        return request.user.has_perm("vods.change_clip")

    @admin.action(description="Delete for good, media too", permissions=["act"])
    def delete_for_good(self, request: HttpRequest, chosen: QuerySet[Clip]) -> None:
        """Gone for everybody at once; the media follows."""
        existing = list(chosen.exclude(state=ClipState.DELETING).values_list("pk", flat=True))
        for clip_id in existing:
            clips.delete_clip(clip_id=clip_id)
        self.message_user(request, f"{len(existing)} deleted.")


@admin.register(StorageDay)
class StorageDayAdmin(ReadOnlyAdmin):
    """What each channel took and cost, day by day and tier by tier."""

    list_display = ("day", "channel", "tier", "stored", "monthly")
    list_filter = ("tier", "day")
    list_select_related = ("channel__user",)
    search_fields = ("channel__user__username",)
    date_hierarchy = "day"
    fields = ("day", "channel", "tier", "stored", "monthly")

    @admin.display(description="stored", ordering="size")
    def stored(self, day: StorageDay) -> str:
        return filesizeformat(day.size)

    @admin.display(description="a month", ordering="cost")
    def monthly(self, day: StorageDay) -> str:
        return f"{day.cost:.2f} {settings.TIER_CURRENCY}"


class QuotaForm(forms.ModelForm):
    """What the house sets."""

    class Meta:
        model = VodSettings
        fields = ("quota",)


@admin.register(VodSettings)
class VodSettingsAdmin(ReadOnlyAdmin):
    """What channels want done with their broadcasts; the quota is the house's to set."""

    form = QuotaForm
    list_display = ("login", "keep_broadcasts", "dvr", "visibility", "retention_days", "quota")
    list_filter = ("keep_broadcasts", "dvr", "visibility")
    list_select_related = ("channel__user",)
    search_fields = ("channel__user__username",)
    readonly_fields = (
        "channel",
        "keep_broadcasts",
        "dvr",
        "visibility",
        "downloads",
        "clippers",
        "retention_days",
        "cold_end",
    )

    @admin.display(ordering="channel__user__username")
    def login(self, chosen: VodSettings) -> str:
        return chosen.channel.login

    def has_change_permission(self, request: HttpRequest, obj: VodSettings | None = None) -> bool:
        return super(ReadOnlyAdmin, self).has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: VodSettings, form: Any, change: bool) -> None:  # noqa: ARG002
        set_quota(channel=obj.channel, quota=obj.quota)
