"""What pages are told when a channel's stream changes: over Channels' layer, to every process that has pages open.

One message a change, whoever watches, to GROUP: `StreamChanged`. `stream` has names and values as the API's streams do;
`news` is true when followers are to hear that it went live. Nothing depends on it: pages ask by themselves too, if
seldom. `ChannelClosed` says there, too, that a channel has left the site, and perhaps its person with it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, TypedDict
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from redis.exceptions import RedisError

from streaming.models import Broadcast, Channel

logger = logging.getLogger(__name__)

GROUP = "streams"
SEND_S = 2.0
NEWS_S = 600
"""An encoder that comes and goes is news once in so many seconds."""


class StreamChanged(TypedDict):
    """`type` is `stream.changed`; `channel` is the channel's id."""

    type: str
    channel: str
    stream: dict[str, Any]
    news: bool


class ChannelClosed(TypedDict):
    """`type` is `channel.closed`; `channel` is the channel's id, `user` that of who may not come any more, or empty."""

    type: str
    channel: str
    user: str


def tell_closed(channel: Channel, *, with_user: bool = False) -> None:
    """Tells, after commit, that the channel is off the site. It does not raise."""
    user = str(channel.user_id) if with_user else ""
    message = ChannelClosed(type="channel.closed", channel=str(channel.pk), user=user)
    transaction.on_commit(lambda: _publish(message))


def tell_changed(channel: Q, *, began: bool = False) -> None:
    """Tells, after commit, how the stream of a channel stands by then. It does not raise."""
    transaction.on_commit(lambda: _tell(channel, began=began))


def _tell(query: Q, *, began: bool) -> None:
    channel = Channel.objects.select_related("user", "category").filter(query).first()
    if channel is None:
        return
    _publish(
        StreamChanged(
            type="stream.changed",
            channel=str(channel.pk),
            stream=stream_of(channel),
            news=began and _is_news(channel.pk),
        )
    )


def _publish(message: StreamChanged | ChannelClosed) -> None:
    try:
        async_to_sync(_send)(message)
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning("nobody was told of channel %s: %s", message["channel"], error)


def stream_of(channel: Channel) -> dict[str, Any]:
    """The channel's broadcast, or, with state `offline` and no id, what its next one starts with."""
    on = Broadcast.objects.open().select_related("category").filter(channel=channel).first()
    info = on or channel
    return {
        "id": str(on.pk) if on else None,
        "channel": channel.login,
        "state": str(on.state) if on else "offline",
        "title": info.title,
        "category": {"name": info.category.name, "slug": info.category.slug} if info.category else None,
        "tags": list(info.tags),
        "startedAt": on.started_at.isoformat() if on else None,
    }


async def _send(message: StreamChanged | ChannelClosed) -> None:
    async with asyncio.timeout(SEND_S):
        await get_channel_layer().group_send(GROUP, message)


def _is_news(channel: UUID) -> bool:
    try:
        return bool(cache.add(f"stream-news:{channel}", 1, timeout=NEWS_S))
    except RedisError:  # then it is not told either
        return False
