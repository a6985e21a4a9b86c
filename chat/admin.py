"""The house's view of chat: grants subscriptions, reads what moderators did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from chat.models import Ban, ModAction, Moderator, Subscription
from chat.services import roles


@admin.register(Subscription)
class SubscriptionAdmin(admin.ModelAdmin):
    """Granted here, until payment comes."""

    list_display = ("user", "channel", "until", "granted_by", "created_at")
    search_fields = ("user__username", "channel__user__username")
    autocomplete_fields = ("user", "channel")
    fields = ("channel", "user", "until")

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:  # noqa: ARG002
        by = request.user if isinstance(request.user, User) else None
        roles.grant_subscription(channel=obj.channel, user=obj.user, by=by, now=timezone.now(), until=obj.until)

    def delete_model(self, request: HttpRequest, obj: Subscription) -> None:  # noqa: ARG002
        roles.end_subscription(channel=obj.channel, user=obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:  # noqa: ARG002
        for subscription in queryset.select_related("channel", "user"):
            roles.end_subscription(channel=subscription.channel, user=subscription.user)


class ReadOnly(admin.ModelAdmin):
    """What is changed in the room, not here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(ModAction)
class ModActionAdmin(ReadOnly):
    """Every action of every moderator."""

    list_display = ("at", "room", "by", "kind", "target", "undone_at")
    list_filter = ("kind",)
    search_fields = ("by__username", "target__username", "room__channel__user__username")


@admin.register(Ban, Moderator)
class RoleAdmin(ReadOnly):
    """Who is banned, who moderates."""

    list_display = ("user", "channel", "created_at")
    search_fields = ("user__username", "channel__user__username")
