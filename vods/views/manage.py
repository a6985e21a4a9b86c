"""The streamer's videos: list, settings, and one video's title, pictures, cuts and end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings as house
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ratelimit import RateLimit, limit_posts
from streaming import services
from streaming.models import Channel
from vods.cards import vod_cards
from vods.costs import shelves_of
from vods.errors import VodError
from vods.forms import HighlightForm, PosterForm, VideoForm, VodSettingsForm
from vods.models import Vod
from vods.services import vods
from vods.services.settings import change_settings, settings_of
from vods.showing import show

EDITS = RateLimit("video-edit", count=120, seconds=600)
A_PAGE = 24


@login_required
@never_cache
@require_safe
def videos(request: HttpRequest) -> HttpResponse:
    """All of the streamer's videos, and what is to become of the next ones."""
    channel = _own_channel(request)
    return _list(request, channel, form=VodSettingsForm.of(channel.pk))


@login_required
@limit_posts(EDITS)
@require_POST
def settings(request: HttpRequest) -> HttpResponse:
    """Change what is done with broadcasts."""
    channel = _own_channel(request)
    form = VodSettingsForm(request.POST)
    if not form.is_valid():
        return _list(request, channel, form=form, status=422)
    change_settings(channel=channel, **form.cleaned_data)
    messages.success(request, "Saved. It counts for what you stream from now on.")
    return redirect("vods:videos")


@login_required
@never_cache
@limit_posts(EDITS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """One video: what it is about, its chapters, who may watch."""
    vod = _own_vod(request, vod_id)
    if request.method != "POST":
        return _page(request, vod)
    form = VideoForm(request.POST)
    if form.is_valid():
        chapters = form.cleaned_data.pop("chapters")
        with _refusals_to(form):
            vods.change_video(vod_id=vod.pk, chapters=chapters, **form.cleaned_data)
            messages.success(request, "Saved.")
            return redirect("vods:edit", vod.pk)
    return _page(request, vod, form=form, status=422)


@login_required
@limit_posts(EDITS)
@require_POST
def poster(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """Choose the moment that the thumbnail shows."""
    vod = _own_vod(request, vod_id)
    form = PosterForm(request.POST)
    if form.is_valid():
        with _refusals_to(form, "at"):
            vods.choose_poster(vod_id=vod.pk, at_ms=form.cleaned_data["at"], now=timezone.now())
            messages.success(request, "The new thumbnail is there in a moment.")
            return redirect("vods:edit", vod.pk)
    return _page(request, vod, poster_form=form, status=422)


@login_required
@limit_posts(EDITS)
@require_POST
def highlight(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """Cut a range into a video of its own."""
    vod = _own_vod(request, vod_id)
    form = HighlightForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        with _refusals_to(form):
            made = vods.make_highlight(
                vod_id=vod.pk, from_ms=given["begin"], to_ms=given["end"], title=given["title"], now=timezone.now()
            )
            messages.success(request, "The highlight is being cut.")
            return redirect(made)
    return _page(request, vod, highlight_form=form, status=422)


@login_required
@limit_posts(EDITS)
@require_POST
def delete(request: HttpRequest, vod_id: UUID) -> HttpResponse:
    """Delete a video for good."""
    vod = _own_vod(request, vod_id)
    try:
        vods.delete_vod(vod_id=vod.pk)
    except VodError as error:
        messages.error(request, str(error))
        return redirect("vods:edit", vod.pk)
    messages.success(request, f"“{vod.headline}” is deleted.")
    return redirect("vods:videos")


@contextmanager
def _refusals_to(form: forms.Form, field: str | None = None) -> Iterator[None]:
    """Has the form say what a service refuses, and why."""
    try:
        yield
    except VodError as error:
        form.add_error(field, str(error))


def _own_channel(request: HttpRequest) -> Channel:
    assert request.user.is_authenticated
    return services.create_channel(user=request.user, now=timezone.now())


def _own_vod(request: HttpRequest, vod_id: UUID) -> Vod:
    found = Vod.objects.of_channel(_own_channel(request)).for_cards().filter(pk=vod_id).first()
    if found is None:
        raise Http404
    return found


def _list(request: HttpRequest, channel: Channel, *, form: VodSettingsForm, status: int = 200) -> HttpResponse:
    own = Vod.objects.of_channel(channel)
    page = Paginator(own.for_cards(), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "channel": channel,
        "cards": vod_cards(page, user=request.user, now=timezone.now()),
        "page": page,
        "used": own.stored(),
        "quota": settings_of(channel.pk).quota,
        "shelves": shelves_of(channel),
        "currency": house.TIER_CURRENCY if any(house.TIER_PRICES.values()) else "",
        "form": form,
    }
    return render(request, "vods/videos.html", context, status=status)


def _page(request: HttpRequest, vod: Vod, *, status: int = 200, **given: forms.Form) -> HttpResponse:
    context: dict[str, Any] = {
        "vod": vod,
        "channel": vod.channel,
        "showing": show(vod, user=request.user, now=timezone.now()),
        "form": VideoForm.of(vod),
        "poster_form": PosterForm(),
        "highlight_form": HighlightForm(),
        **given,
    }
    return render(request, "vods/edit.html", context, status=status)
