"""Users in the admin. Here rather than in `accounts`, because a user comes with a channel."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import UserAdmin
from accounts.models import ApiToken, User
from streaming import on_air, services
from streaming.admin.readonly import ReadOnlyAdmin


@admin.register(User)
class UserWithChannelAdmin(UserAdmin):
    """Users; who is added gets a channel, and who is not active any more is turned out."""

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.create_channel(user=obj, now=timezone.now())
        if "is_active" in form.changed_data and not obj.is_active:
            services.turn_out(user=obj, now=timezone.now(), publish=on_air.publish_ended)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """API tokens: the prefix their owners know them by, nothing that opens anything."""

    list_display = ("prefix", "name", "user", "created_at", "last_used_at", "revoked_at")
    fields = list_display
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("prefix", "user__username", "name")
    list_select_related = ("user",)
