"""Channels, their keys, and categories in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from streaming import on_air, services
from streaming.admin.readonly import ReadOnlyAdmin
from streaming.errors import InvalidStreamInfo
from streaming.models import Category, Channel, StreamKey
from streaming.stream_info import clean_tags, clean_title


class ChannelForm(forms.ModelForm):
    """What moderators may change of a channel."""

    class Meta:
        model = Channel
        fields = ("title", "category", "tags", "partner", "suspended")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for field, clean in (("title", clean_title), ("tags", clean_tags)):
            if field in cleaned:
                try:
                    cleaned[field] = clean(cleaned[field])
                except InvalidStreamInfo as error:
                    self.add_error(field, forms.ValidationError(list(error.problems)))
        return cleaned


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    """Channels. Saving goes through the services, so suspending ends the broadcast and a title changes live."""

    form = ChannelForm
    list_display = ("login", "title", "category", "partner", "suspended", "created_at")
    list_filter = ("partner", "suspended", "category")
    list_select_related = ("user", "category")
    search_fields = ("user__username", "title")
    readonly_fields = ("user", "created_at")
    fields = ("user", "title", "category", "tags", "partner", "suspended", "created_at")
    ordering = ("user__username",)

    @admin.display(ordering="user__username")
    def login(self, channel: Channel) -> str:
        return channel.login

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - it comes with its user
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:  # noqa: ARG002
        category = obj.category.slug if obj.category else ""
        services.set_stream_info(channel_id=obj.pk, title=obj.title, category=category, tags=obj.tags)
        if "partner" in form.changed_data:
            services.set_partner(channel_id=obj.pk, partner=obj.partner)
        if "suspended" in form.changed_data:
            if obj.suspended:
                services.suspend_channel(channel_id=obj.pk, now=timezone.now(), publish=on_air.publish_ended)
            else:
                services.reinstate_channel(channel_id=obj.pk)


@admin.register(StreamKey)
class StreamKeyAdmin(ReadOnlyAdmin):
    """Stream keys: the beginning of each hash, to tell them apart; nothing that goes live."""

    list_display = ("short_hash", "channel", "created_at", "revoked_at")
    fields = list_display
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("channel__user",)
    search_fields = ("channel__user__username", "hash__startswith")

    @admin.display(description="hash")
    def short_hash(self, key: StreamKey) -> str:
        return f"{key.hash[:12]}…"


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """The shelves of the directory."""

    list_display = ("name", "slug")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}
