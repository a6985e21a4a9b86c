"""What every visitor sees: home, directory, channels."""

from __future__ import annotations

from collections import Counter

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.ratelimit import RateLimit, RateLimited, source, too_many_requests
from streaming import on_air
from streaming.models import Broadcast, Category, Channel

MAX_LISTED = 500
"""The newest live broadcasts that are ranked by viewers; more wait for the directory to get pages."""
MAX_WORDS = 60
MAX_FOUND = 50
SEARCHES = RateLimit("search", count=60, seconds=60)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Who is live, the most watched first."""
    return render(request, "streaming/home.html", {"cards": _ranked(Broadcast.objects.open())})


@require_safe
def directory(request: HttpRequest) -> HttpResponse:
    """The categories, those with most live channels first."""
    live = Counter(Broadcast.objects.open().public().values_list("category_id", flat=True))
    shelves = sorted(((found, live[found.pk]) for found in Category.objects.all()), key=lambda shelf: -shelf[1])
    return render(request, "streaming/directory.html", {"shelves": shelves})


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is live in one category."""
    found = get_object_or_404(Category, slug=slug)
    cards = _ranked(Broadcast.objects.open().filter(category=found))
    return render(request, "streaming/category.html", {"category": found, "cards": cards})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Who is live with these words, and whose login begins with them."""
    words = request.GET.get("q", "").strip()[:MAX_WORDS]
    context: dict[str, object] = {"words": words}
    if words:
        try:
            SEARCHES.spend(source(request), now=timezone.now())
        except RateLimited as error:
            return too_many_requests(request, error)
        context["cards"] = _ranked(Broadcast.objects.open().matching(words))
        context["channels"] = Channel.objects.public().beginning(words)[:MAX_FOUND]
    return render(request, "streaming/search.html", context)


@require_safe
def channel(request: HttpRequest, login: str) -> HttpResponse:
    """A channel's page: the player and what is on, or when it was last on."""
    if login != login.lower():
        return redirect("streaming:channel", login.lower(), permanent=True)
    found = get_object_or_404(Channel.objects.public().with_login(login))
    last = found.broadcasts.select_related("category").order_by("-started_at").first()
    live = last if last is not None and last.is_open else None
    card = on_air.cards([live], now=timezone.now())[0] if live else None
    return render(
        request,
        "streaming/channel.html",
        {
            "channel": found,
            "broadcast": live,
            "last": last,
            "info": live or found,
            "viewers": card.viewers if card else 0,
            "broadcast_id": str(live.pk) if live else "",
            "poster": card.thumbnail if card else "",
        },
    )


@require_safe
def channel_live(_request: HttpRequest, login: str) -> HttpResponse:
    """What the player of an offline channel asks until something is on."""
    found = get_object_or_404(Channel.objects.public().with_login(login.lower()))
    broadcast = found.broadcasts.open().values_list("pk", flat=True).first()
    # A second in shared caches: any number of waiting players cost one query a second.
    return JsonResponse(
        {"broadcast": str(broadcast) if broadcast else None}, headers={"Cache-Control": "public, max-age=1"}
    )


@require_safe
def without_slash(_request: HttpRequest, login: str) -> HttpResponse:
    """Bring `/<login>/`, as people type it, to the channel."""
    return redirect("streaming:channel", login.lower(), permanent=True)


def _ranked(broadcasts: QuerySet[Broadcast]) -> list[on_air.Card]:
    listed = broadcasts.public().for_cards()[:MAX_LISTED]  # type: ignore[attr-defined]
    return sorted(on_air.cards(listed, now=timezone.now()), key=lambda card: -card.viewers)
