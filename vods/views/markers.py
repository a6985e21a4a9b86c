"""Marking a moment while live."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.ratelimit import RateLimit, limit_posts
from chat.errors import ChatError
from chat.services import markers
from streaming import services

MARKS = RateLimit("marker", count=60, seconds=60)
MAX_TEXT = 140


@login_required
@limit_posts(MARKS)
@require_POST
def mark(request: HttpRequest) -> JsonResponse:
    """Mark this moment of the streamer's broadcast: `{at, text}`, or why not."""
    assert request.user.is_authenticated
    now = timezone.now()
    channel = services.create_channel(user=request.user, now=now)
    text = request.POST.get("text", "").replace("\0", "").strip()[:MAX_TEXT]
    try:
        made = markers.mark(channel=channel, by=request.user, text=text, now=now)
    except ChatError as error:
        return JsonResponse({"message": str(error)}, status=409)
    return JsonResponse({"at": made.at.isoformat(), "text": made.text})
