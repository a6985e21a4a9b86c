"""Telling that a stream has changed costs nobody anything when there is nobody to tell it by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import override_settings

from streaming import services
from streaming.models import Channel

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@override_settings(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["unix:///nowhere/valkey.sock"]},
        }
    }
)
def test_a_broadcast_begins_while_the_channel_layer_is_away(
    channel: Channel, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    broadcast, existed = services.find_or_begin_broadcast(key=key, ingest="i", now=NOW)
    assert (broadcast.channel, existed) == (channel, False)
    assert "nobody was told" in caplog.text
