"""Channels, broadcasts and VODs in the database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.models import User
from streaming import services
from streaming.models import Broadcast, Channel
from vods.models import Vod, VodState

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def channel(db: None) -> Channel:
    return services.create_channel(user=User.objects.create_user("alice"), now=NOW)


@pytest.fixture
def broadcast(channel: Channel) -> Broadcast:
    _, key = services.issue_key(channel_id=channel.pk, now=NOW)
    found, _ = services.find_or_begin_broadcast(key=key, ingest="test", now=NOW)
    return found


@pytest.fixture
def vod(broadcast: Broadcast) -> Vod:
    """One that plays."""
    return Vod.objects.create(
        channel=broadcast.channel,
        broadcast=broadcast,
        recorded_at=NOW,
        state=VodState.READY,
        ready_at=NOW,
        target_duration=2,
        duration_ms=60_000,
    )
