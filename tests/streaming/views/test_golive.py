"""The go-live page, as far as the server makes it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from streaming import tickets
from streaming.models import Channel

pytestmark = pytest.mark.django_db


def test_the_page_may_speak_to_ingest(client: Client, channel: Channel) -> None:
    client.force_login(channel.user)
    response = client.get("/dashboard/go-live")
    assert "http://testserver:8889/whip" in response.content.decode()
    assert "connect-src 'self' http://testserver:8889" in response["Content-Security-Policy"]
    assert "camera=(self)" in response["Permissions-Policy"]
    assert "connect-src" not in client.get("/dashboard")["Content-Security-Policy"]


def test_a_ticket_is_for_the_own_channel(client: Client, channel: Channel) -> None:
    client.force_login(channel.user)
    response = client.post("/dashboard/go-live/ticket")
    assert "no-store" in response["Cache-Control"]
    assert tickets.read_ticket(response.json()["ticket"], now=timezone.now()) == channel.pk
