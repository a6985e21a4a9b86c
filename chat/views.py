"""Pages of chat: a window of its own, the overlay, the room's settings, following."""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.ratelimit import RateLimit, limit_posts
from chat.errors import AlreadySo, ChatError, TargetProtected
from chat.forms import EmoteForm, ModesForm, TermForm
from chat.models import Emote, Room
from chat.pictures import MOST_BYTES
from chat.services import emotes, roles, settings
from chat.services.authority import need_moderator
from streaming import on_air
from streaming.models import Broadcast, Channel

FOLLOWS = RateLimit("chat-follow", count=60, seconds=60)
WRITES = RateLimit("chat-settings", count=60, seconds=60)
EMOTE_AGE = 31_536_000
MOST_AWAY = 200
"""Channels that are not on, listed on one page."""


def _channel(login: str) -> Channel:
    return get_object_or_404(Channel.objects.public().with_login(login))


@require_safe
def popout(request: HttpRequest, login: str) -> HttpResponse:
    """The room in a window of its own."""
    return render(request, "chat/popout.html", {"channel": _channel(login)})


@require_safe
def overlay(request: HttpRequest, login: str) -> HttpResponse:
    """The room over a broadcast's picture, for OBS's browser source."""
    return render(request, "chat/overlay.html", {"channel": _channel(login)})


@login_required
@limit_posts(FOLLOWS)
@require_POST
def follow(request: HttpRequest, login: str) -> HttpResponse:
    """Follow a channel, or no more; then back to the page of ours that `next` names."""
    assert request.user.is_authenticated
    channel = _channel(login)
    if request.POST.get("follow") == "1":
        try:
            roles.follow(channel=channel, user=request.user, now=timezone.now())
        except TargetProtected as error:
            raise Http404 from error
    else:
        roles.unfollow(channel=channel, user=request.user)
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else channel)


@login_required
@limit_posts(WRITES)
@require_POST
def live_notices(request: HttpRequest) -> HttpResponse:
    """Hear on every page when a channel one follows goes live, or no more."""
    assert request.user.is_authenticated
    roles.set_live_notices(user=request.user, wanted=request.POST.get("wanted") == "1")
    return redirect("streaming:settings")


@login_required
@require_safe
def following(request: HttpRequest) -> HttpResponse:
    """The channels one follows: who is live, the most watched first, then the others."""
    assert request.user.is_authenticated
    followed = Channel.objects.public().filter(follows__user=request.user.pk)
    live = Broadcast.objects.open().public().for_cards().filter(channel__in=followed)
    cards = on_air.cards(live, now=timezone.now())
    away = followed.exclude(pk__in=live.values("channel")).select_related("user").order_by("user__username")
    return render(
        request,
        "chat/following.html",
        {"cards": sorted(cards, key=lambda card: -card.viewers), "away": away[:MOST_AWAY]},
    )


@require_safe
def emote(_request: HttpRequest, emote_id: UUID) -> FileResponse:
    """An emote's picture; it never changes."""
    found = get_object_or_404(Emote, pk=emote_id)
    return FileResponse(
        found.picture.open(),
        content_type="image/webp",
        headers={
            "Cache-Control": f"public, max-age={EMOTE_AGE}, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


@login_required
@limit_posts(WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def moderation(request: HttpRequest, login: str) -> HttpResponse:
    """The room's settings, for its moderators."""
    channel, user = _moderated(request, login)
    room, _ = Room.objects.get_or_create(channel=channel)
    if request.method != "POST":
        return _settings(request, channel, modes=ModesForm(instance=room))
    form = ModesForm(request.POST, instance=room)
    if not form.is_valid():
        return _settings(request, channel, modes=form, status=422)
    with contextlib.suppress(AlreadySo):
        settings.set_modes(channel=channel, by=user, now=timezone.now(), **form.cleaned_data)
    messages.success(request, "The room's settings are saved.")
    return redirect("chat:moderation", login)


@login_required
@limit_posts(WRITES)
@require_POST
def add_term(request: HttpRequest, login: str) -> HttpResponse:
    """Block words."""
    channel, user = _moderated(request, login)
    form = TermForm(request.POST)
    if form.is_valid():
        try:
            settings.add_term(channel=channel, by=user, term=form.cleaned_data["term"], now=timezone.now())
            return redirect("chat:moderation", login)
        except ChatError as error:
            form.add_error("term", str(error))
    return _settings(request, channel, terms=form, status=422)


@login_required
@limit_posts(WRITES)
@require_POST
def remove_term(request: HttpRequest, login: str, term_id: int) -> HttpResponse:
    """Allow words again."""
    channel, user = _moderated(request, login)
    with contextlib.suppress(AlreadySo):
        settings.remove_term(channel=channel, by=user, term_id=term_id, now=timezone.now())
    return redirect("chat:moderation", login)


@login_required
@limit_posts(WRITES)
@require_POST
def add_emote(request: HttpRequest, login: str) -> HttpResponse:
    """Add an emote."""
    channel, user = _moderated(request, login)
    form = EmoteForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            emotes.add_emote(
                channel=channel,
                by=user,
                name=form.cleaned_data["name"],
                data=form.cleaned_data["picture"].read(MOST_BYTES + 1),
                now=timezone.now(),
            )
            return redirect("chat:moderation", login)
        except ChatError as error:
            form.add_error(None, str(error))
    return _settings(request, channel, emotes=form, status=422)


@login_required
@limit_posts(WRITES)
@require_POST
def remove_emote(request: HttpRequest, login: str, emote_id: UUID) -> HttpResponse:
    """Take an emote out of use."""
    channel, user = _moderated(request, login)
    try:
        emotes.remove_emote(channel=channel, by=user, emote_id=emote_id)
    except ChatError as error:
        raise PermissionDenied from error
    return redirect("chat:moderation", login)


def _moderated(request: HttpRequest, login: str) -> tuple[Channel, User]:
    """The channel and the user, who moderates it."""
    assert request.user.is_authenticated
    channel = _channel(login)
    try:
        need_moderator(channel=channel, by=request.user)
    except ChatError as error:
        raise PermissionDenied from error
    return channel, request.user


def _settings(request: HttpRequest, channel: Channel, *, status: int = 200, **forms: Any) -> HttpResponse:
    room, _ = Room.objects.get_or_create(channel=channel)
    context = {
        "channel": channel,
        "modes": forms.get("modes") or ModesForm(instance=room),
        "term_form": forms.get("terms") or TermForm(),
        "emote_form": forms.get("emotes") or EmoteForm(),
        "terms": room.terms.all(),
        "emotes": room.emotes.filter(removed=False),
        "is_broadcaster": channel.user_id == request.user.pk,
    }
    return render(request, "chat/moderation.html", context, status=status)
