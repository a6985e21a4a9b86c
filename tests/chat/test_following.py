"""The page of the channels one follows."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from chat.services import roles
from streaming import services
from streaming.models import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("state_server")]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def shown(client: Client) -> str:
    page = client.get("/following").content.decode()
    return re.sub(r"<header.*</header>", "", page, flags=re.DOTALL)


def test_says_how_to_follow_while_one_follows_nobody(client: Client, bobby: User) -> None:
    client.force_login(bobby)
    assert "You follow nobody yet." in shown(client)


def test_lists_the_followed_who_are_live_and_who_are_not(client: Client, bobby: User, channel: Channel) -> None:
    client.force_login(bobby)
    roles.follow(channel=channel, user=bobby, now=NOW)
    page = shown(client)
    assert "None of the channels you follow is live" in page
    assert f'href="/{channel.login}"' in page
    _, key = services.issue_key(channel_id=channel.pk, now=NOW)
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    page = shown(client)
    assert f"/streams/{broadcast.pk}/thumbnail.jpg" in page
    assert "Not live" not in page


def test_a_suspended_channel_is_not_listed(client: Client, bobby: User, channel: Channel) -> None:
    client.force_login(bobby)
    roles.follow(channel=channel, user=bobby, now=NOW)
    Channel.objects.filter(pk=channel.pk).update(suspended=True)
    assert "You follow nobody yet." in shown(client)
