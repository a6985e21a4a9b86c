"""What viewers see: a video's page, a channel's videos."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.ratelimit import RateLimit, limit_posts
from streaming.addresses import site_url
from streaming.models import Channel
from vods.access import has_page, may_watch
from vods.cards import vod_cards
from vods.chapters import render_chapters
from vods.errors import UnknownVod, VodError
from vods.models import Visibility, Vod
from vods.services.tiers import ask_back
from vods.showing import show

ASKS = RateLimit("video-recall", count=20, seconds=600)
A_PAGE = 24


@never_cache
@require_safe
def video(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """A video: the player and what it is about, or why it does not play."""
    vod = get_object_or_404(Vod.objects.existing().for_cards(), pk=vod_id)
    if not may_watch(vod=vod, user=request.user):
        if vod.visibility != Visibility.FOLLOWERS or not has_page(vod.channel):
            raise Http404
        return render(request, "vods/closed.html", {"vod": vod, "channel": vod.channel}, status=403)
    showing = show(vod, user=request.user, now=timezone.now())
    template = "vods/video.html" if vod.plays else "vods/waiting.html"
    return render(
        request,
        template,
        {"vod": vod, "channel": vod.channel, "showing": showing, "site": site_url(request)},
    )


@login_required
@limit_posts(ASKS)
@require_POST
def recall(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """Have a video brought back from cold storage, and be written to when it plays."""
    assert request.user.is_authenticated
    try:
        if ask_back(vod_id=vod_id, by=request.user, now=timezone.now()):
            told = f"We write to {request.user.email} when it plays." if request.user.email else "Look here again."
            messages.success(request, f"It is being brought back. {told}")
    except UnknownVod:
        raise Http404 from None
    except VodError as error:
        messages.error(request, str(error))
    return redirect("vods:video", vod_id)


@never_cache
@require_safe
def chapters(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """A video's chapters as WebVTT, for the seek bar."""
    vod = get_object_or_404(Vod.objects.ready().for_cards(), pk=vod_id)
    if not may_watch(vod=vod, user=request.user):
        raise Http404
    text = render_chapters([(one.at_ms, one.title) for one in vod.chapters.all()], duration_ms=vod.duration_ms)
    return HttpResponse(text, content_type="text/vtt; charset=utf-8")


@require_safe
def channel_videos(request: HttpRequest, login: str) -> HttpResponse:
    """All public videos of a channel, the newest first."""
    channel = get_object_or_404(Channel.objects.public().with_login(login))
    page = Paginator(Vod.objects.listed().for_cards().filter(channel=channel), A_PAGE).get_page(request.GET.get("page"))
    cards = vod_cards(page, user=request.user, now=timezone.now())
    context = {"what": "Videos", "channel": channel, "cards": cards, "page": page}
    return render(request, "vods/channel_videos.html", context)
