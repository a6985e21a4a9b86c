"""Channels to test with."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from accounts.models import User
from streaming import services
from streaming.models import Channel

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def make_channel(db: None) -> Callable[[str], Channel]:
    """Makes a channel with its user."""

    def make(login: str) -> Channel:
        return services.create_channel(user=User.objects.create_user(login, password="pass word 1"), now=NOW)

    return make


@pytest.fixture
def channel(make_channel: Callable[[str], Channel]) -> Channel:
    """Alice's channel."""
    return make_channel("alice")


@pytest.fixture
def key(channel: Channel) -> str:
    """The text of Alice's stream key."""
    return services.issue_key(channel_id=channel.pk, now=NOW)[1]
