"""Going live from the browser: the page, and the ticket that its WHIP session shows ingest."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.ratelimit import RateLimit, limit_posts
from streaming import tickets
from streaming.addresses import whip_url
from streaming.views.dashboard import own_channel

TICKETS = RateLimit("go-live", count=60, seconds=600)
"""A page whose connection is bad asks for one with each try."""


@login_required
@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Camera or screen, microphone, preview, start and stop."""
    context = {"channel": own_channel(request), "whip_url": whip_url(request), "grace": settings.RECONNECT_GRACE}
    return render(request, "streaming/go_live.html", context)


@login_required
@never_cache
@limit_posts(TICKETS)
@require_POST
def issue_ticket(request: HttpRequest) -> HttpResponse:
    """`{ticket}`, which begins or resumes the own broadcast within a minute."""
    return JsonResponse({"ticket": tickets.issue_ticket(own_channel(request).pk, now=timezone.now())})
