"""Clips: a page for each, to be shared; a channel's."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.ratelimit import RateLimit, limit_posts
from streaming.addresses import site_url
from streaming.models import Channel
from vods.access import may_manage, may_watch
from vods.models import Clip
from vods.services import clips

DELETES = RateLimit("clip-delete", count=60, seconds=600)
A_PAGE = 24


@require_safe
def clip(request: HttpRequest, clip_id: UUID) -> HttpResponse:
    """A clip, with a card for previews of its address."""
    found = get_object_or_404(Clip.objects.open().for_cards().select_related("vod__channel__user"), pk=clip_id)
    vod = found.vod
    context = {
        "clip": found,
        "channel": found.channel,
        "site": site_url(request),
        "vod": vod if vod is not None and vod.plays and may_watch(vod=vod, user=request.user) else None,
        "may_delete": _may_delete(request, found),
    }
    return render(request, "vods/clip.html", context)


@login_required
@limit_posts(DELETES)
@require_POST
def delete(request: HttpRequest, clip_id: UUID) -> HttpResponse:
    """Delete a clip: whoever made it may, and the channel's streamer."""
    found = get_object_or_404(Clip.objects.open().for_cards(), pk=clip_id)
    if not _may_delete(request, found):
        raise PermissionDenied
    clips.delete_clip(clip_id=found.pk)
    messages.success(request, "The clip is deleted.")
    return redirect("vods:channel_clips", found.channel.login)


@require_safe
def channel_clips(request: HttpRequest, login: str) -> HttpResponse:
    """All clips of a channel, the newest first."""
    channel = get_object_or_404(Channel.objects.public().with_login(login))
    page = Paginator(Clip.objects.watchable().for_cards().filter(channel=channel), A_PAGE).get_page(
        request.GET.get("page")
    )
    return render(request, "vods/channel_clips.html", {"what": "Clips", "channel": channel, "page": page})


def _may_delete(request: HttpRequest, clip: Clip) -> bool:
    user = request.user
    return may_manage(channel=clip.channel, user=user) or (user.is_authenticated and clip.by_id == user.pk)
