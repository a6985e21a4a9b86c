"""What other apps' pages show of chat."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import RequestContext

from chat.commands import USAGE
from chat.models import Follow, Profile
from streaming.models import Channel

register = template.Library()


@register.inclusion_tag("chat/_panel.html", takes_context=True)
def chat_panel(context: RequestContext, channel: Channel, *, overlay: bool = False, popout: bool = False) -> Any:
    """A channel's chat."""
    return {
        "login": channel.login,
        "commands": " ".join(f"/{name}" for name in sorted(USAGE)),
        "overlay": overlay,
        "popout": popout,
        "request": context["request"],
        "user": context["request"].user,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("chat/_replay.html")
def chat_replay(channel: Channel, url: str) -> Any:
    """A recorded room beside its video; `url` has `{n}` for a window's number (docs/chat.md, "Replay")."""
    return {"login": channel.login, "url": url}


@register.inclusion_tag("chat/_follow.html", takes_context=True)
def follow_button(context: RequestContext, channel: Channel, *, stay: bool = True) -> Any:
    """Follows a channel, or no more; it says how many do.

    With `stay` what plays on the page goes on; without, the page is loaded anew, to show what followers see.
    """
    user = context["request"].user
    follows = Follow.objects.filter(channel=channel)
    return {
        "channel": channel,
        "user": user,
        "path": context["request"].get_full_path(),
        "stay": stay,
        "follows": user.is_authenticated and follows.filter(user=user).exists(),
        "followers": follows.count(),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("chat/_live_notices.html", takes_context=True)
def live_notices_switch(context: RequestContext) -> Any:
    """Switches the notices of channels that go live."""
    off = Profile.objects.filter(user=context["request"].user.pk, live_notices=False)
    return {"wanted": not off.exists(), "csrf_token": context.get("csrf_token")}
