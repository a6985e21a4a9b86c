"""Broadcasts in the admin."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from streaming import on_air, services, trouble
from streaming.admin.readonly import ReadOnlyAdmin
from streaming.models import Broadcast


@admin.register(Broadcast)
class BroadcastAdmin(ReadOnlyAdmin):
    """Every broadcast that was; the action ends those that are."""

    list_display = ("channel", "state", "title", "category", "started_at", "ended_at", "ingest")
    fields = (
        "id",
        "channel",
        "state",
        "title",
        "category",
        "tags",
        "started_at",
        "reconnecting_since",
        "ended_at",
        "ingest",
        "stream_key",
        "missed",
    )
    list_filter = ("state", "started_at", "category")
    list_select_related = ("channel__user", "category")
    search_fields = ("id", "channel__user__username", "title")
    date_hierarchy = "started_at"
    actions = ("end_broadcast",)

    @admin.display(description="Missed by viewers of the ladder")
    def missed(self, broadcast: Broadcast) -> str:
        """What the bus still remembers: it forgets ten minutes after the last."""
        return format_html_join(
            mark_safe("<br>"), "{}", ((trouble.line(each),) for each in on_air.missed(broadcast.pk))
        )

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Staff who may change broadcasts may end them, though the admin lets nobody edit the row."""
        return request.user.has_perm("streaming.change_broadcast")

    @admin.action(description="End broadcast", permissions=["end"])
    def end_broadcast(self, request: HttpRequest, chosen: QuerySet[Broadcast]) -> None:
        """End the chosen broadcasts for good; their encoders are let go."""
        now = timezone.now()
        ended = sum(
            services.end_broadcast(broadcast_id=pk, now=now, publish=on_air.publish_ended)
            for pk in chosen.values_list("pk", flat=True)
        )
        word = "broadcast" if ended == 1 else "broadcasts"
        self.message_user(request, f"Ended {ended} {word}.", messages.SUCCESS if ended else messages.WARNING)
