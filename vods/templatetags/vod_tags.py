"""What other apps' pages show of videos, and how their times are written."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import RequestContext
from django.utils import timezone

from streaming.models import Broadcast, Category, Channel
from vods.cards import vod_cards
from vods.models import Clip, Vod
from vods.models.vod import OPEN
from vods.moments import format_moment
from vods.services.clips import may_clip
from vods.services.settings import settings_of

SHELF = 8
HOME = 12
FOUND = 24
MARKS_SHOWN = 5

register = template.Library()


@register.filter
def clock(ms: int) -> str:
    """`4:05` or `1:04:05` of milliseconds."""
    return format_moment(ms)


@register.filter
def moment(ms: int) -> str:
    """`1h2m3s` of milliseconds, as `?t=` takes it."""
    seconds = ms // 1000
    return f"{seconds // 3600}h{seconds // 60 % 60}m{seconds % 60}s"


@register.filter
def spoken(ms: int) -> str:
    """`1 hour, 4 minutes, 5 seconds` of milliseconds, for screen readers."""
    seconds = ms // 1000
    parts = ((seconds // 3600, "hour"), (seconds // 60 % 60, "minute"), (seconds % 60, "second"))
    named = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in parts if count]
    return ", ".join(named) or "0 seconds"


@register.simple_tag
def viewers_may_rewind(channel: Channel) -> bool:
    """Whether viewers of what is on may go back to its start."""
    return settings_of(channel.pk).dvr


@register.inclusion_tag("vods/_marker_form.html", takes_context=True)
def marker_form(context: RequestContext, broadcast: Broadcast | None) -> Any:
    """Marks the present moment of the streamer's broadcast."""
    marks = list(broadcast.markers.order_by("-at")[:MARKS_SHOWN]) if broadcast else []
    return {"broadcast": broadcast, "marks": marks, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("vods/_shelf.html", takes_context=True)
def channel_shelf(context: RequestContext, channel: Channel) -> Any:
    """A channel's newest videos."""
    vods = Vod.objects.listed().for_cards().filter(channel=channel)[: SHELF + 1]
    cards = vod_cards(vods, user=context["request"].user, now=timezone.now())
    return {"channel": channel, "cards": cards[:SHELF], "more": len(cards) > SHELF}


@register.inclusion_tag("vods/_clip_shelf.html")
def channel_clips(channel: Channel) -> Any:
    """A channel's newest clips."""
    clips = list(Clip.objects.watchable().for_cards().filter(channel=channel)[: SHELF + 1])
    return {"channel": channel, "clips": clips[:SHELF], "more": len(clips) > SHELF}


@register.inclusion_tag("vods/_clip_button.html", takes_context=True)
def clip_button(context: RequestContext, channel: Channel, vod: Vod | None = None) -> Any:
    """Makes a clip of a video, or of what is on; nothing for those who may not."""
    user = context["request"].user
    clippable = vod is None or (vod.visibility in OPEN and vod.at_hand)
    may = user.is_authenticated and clippable and may_clip(channel=channel, by=user, now=timezone.now())
    return {"may": may, "vod": vod, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("vods/_last_video.html", takes_context=True)
def last_video(context: RequestContext, channel: Channel, *, live: Broadcast | None = None) -> Any:
    """What to watch on a channel that is not live: its newest video; hidden while it is `live`."""
    vods = Vod.objects.listed().for_cards().filter(channel=channel)[:1]
    cards = vod_cards(vods, user=context["request"].user, now=timezone.now())
    return {"channel": channel, "cards": cards, "live": live}


@register.inclusion_tag("vods/_newest.html", takes_context=True)
def newest_videos(context: RequestContext, category: Category | None = None) -> Any:
    """The newest videos of all channels, or of a category."""
    vods = Vod.objects.listed().for_cards()
    if category is not None:
        vods = vods.filter(category=category)
    return {"cards": vod_cards(vods[:HOME], user=context["request"].user, now=timezone.now())}


@register.inclusion_tag("vods/_found.html", takes_context=True)
def found_videos(context: RequestContext, words: str) -> Any:
    """The newest videos with these words in their titles."""
    vods = Vod.objects.listed().matching(words).for_cards()[:FOUND]
    return {"words": words, "cards": vod_cards(vods, user=context["request"].user, now=timezone.now())}
