"""The streamer's own page: key, health, preview, stream info."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.ratelimit import RateLimit, limit_posts
from streaming import on_air, services, trouble
from streaming.addresses import rtmp_url
from streaming.forms import StreamInfoForm
from streaming.models import Broadcast, Channel, StreamKey

KEYS = RateLimit("stream-key", count=10, seconds=3600)
INFO = RateLimit("stream-info", count=60, seconds=600)


@login_required
@never_cache
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Everything a streamer sets up and watches."""
    channel = own_channel(request)
    return _page(request, channel, form=StreamInfoForm.of(channel))


@login_required
@never_cache
@limit_posts(KEYS)
@require_POST
def issue_key(request: HttpRequest) -> HttpResponse:
    """Make a stream key and show it, this once: it is in this answer and nowhere else."""
    channel = own_channel(request)
    _, text = services.issue_key(channel_id=channel.pk, now=timezone.now())
    return _page(request, channel, form=StreamInfoForm.of(channel), new_key=text)


@login_required
@limit_posts(KEYS)
@require_POST
def revoke_key(request: HttpRequest) -> HttpResponse:
    """Take the stream key away."""
    services.revoke_key(channel_id=own_channel(request).pk, now=timezone.now())
    messages.success(request, "Your stream key is revoked. Nobody can go live on your channel with it.")
    return redirect("streaming:dashboard")


@login_required
@limit_posts(INFO)
@require_POST
def set_info(request: HttpRequest) -> HttpResponse:
    """Change title, category and tags."""
    channel = own_channel(request)
    form = StreamInfoForm(request.POST)
    if not form.is_valid():
        return _page(request, channel, form=form, status=422)
    category = form.cleaned_data["category"]
    services.set_stream_info(
        channel_id=channel.pk,
        title=form.cleaned_data["title"],
        category=category.slug if category else "",
        tags=form.cleaned_data["tags"],
    )
    messages.success(request, "Saved.")
    return redirect("streaming:dashboard")


@login_required
@limit_posts(INFO)
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the own broadcast that waits for its encoder; one that is live ends with its encoder."""
    if services.end_waiting_broadcast(
        channel_id=own_channel(request).pk, now=timezone.now(), publish=on_air.publish_ended
    ):
        messages.success(request, "Your stream has ended.")
    else:
        messages.warning(request, "Your stream didn't wait for you any more.")
    return redirect("streaming:dashboard")


@login_required
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """How the own broadcast arrives and plays, for the panel that asks every 2 s."""
    broadcast = Broadcast.objects.open().filter(channel__user=request.user.pk).first()
    if broadcast is None:
        return JsonResponse({"state": "offline"})
    now = timezone.now()
    report, quality = on_air.health(broadcast.pk), on_air.quality(broadcast.pk, now=now)
    missed = trouble.warnings(on_air.missed(broadcast.pk), now_ms=int(now.timestamp() * 1000))
    return JsonResponse(
        {
            "state": broadcast.state,
            "broadcast": str(broadcast.pk),
            "started_at": broadcast.started_at.isoformat(),
            "viewers": on_air.viewer_counts([broadcast.pk], now=now).get(broadcast.pk, 0),
            "renditions": [
                {"name": one.rendition.name, "viewers": one.viewers} for one in on_air.renditions(broadcast.pk, now=now)
            ],
            "health": {**asdict(report), "warnings": [*missed, *report.warnings]} if report else None,
            "playback": asdict(quality) if quality and quality.reports else None,
        }
    )


def own_channel(request: HttpRequest) -> Channel:
    """The channel of who is signed in."""
    assert request.user.is_authenticated
    return services.create_channel(user=request.user, now=timezone.now())


def _page(
    request: HttpRequest, channel: Channel, *, form: StreamInfoForm, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "channel": channel,
        "broadcast": Broadcast.objects.open().filter(channel=channel).first(),
        "stream_key": StreamKey.objects.usable().filter(channel=channel).first(),
        "rtmp_url": rtmp_url(request),
        "form": form,
        "grace": settings.RECONNECT_GRACE,
        **more,
    }
    return render(request, "streaming/dashboard.html", context, status=status)
