"""Tickets of the go-live page: what they open, for how long, and what they don't."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from streaming import services, tickets
from streaming.errors import ChannelSuspended, TicketRefused
from streaming.models import Channel

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_ticket_is_good_for_its_channel_and_a_minute() -> None:
    channel = uuid7()
    ticket = tickets.issue_ticket(channel, now=NOW)
    assert tickets.read_ticket(ticket, now=NOW) == channel
    assert tickets.read_ticket(ticket, now=NOW + tickets.LIFE - timedelta(seconds=1)) == channel
    assert tickets.read_ticket(ticket, now=NOW + tickets.LIFE) is None


def test_a_ticket_is_a_bearer_token() -> None:
    ticket = tickets.issue_ticket(uuid7(), now=NOW)
    assert ticket.replace("_", "").replace("-", "").replace(".", "").isalnum()


@given(st.text(max_size=40))
def test_nothing_else_is_a_ticket(text: str) -> None:
    ticket = tickets.issue_ticket(uuid7(), now=NOW)
    for forged in (text, tickets.PREFIX + text, ticket + text or "x", text + ticket):
        assert forged == ticket or tickets.read_ticket(forged, now=NOW) is None


@pytest.mark.django_db
def test_a_ticket_begins_a_broadcast_without_a_stream_key(channel: Channel) -> None:
    ticket = tickets.issue_ticket(channel.pk, now=NOW)
    broadcast, existed = services.find_or_begin_broadcast(key=ticket, ingest="here:1", now=NOW)
    assert (broadcast.channel, broadcast.stream_key, existed) == (channel, None, False)
    services.resume_broadcast(broadcast_id=broadcast.pk, key=ticket, ingest="here:2")
    broadcast.refresh_from_db()
    assert (broadcast.ingest, broadcast.stream_key) == ("here:2", None)


@pytest.mark.django_db
def test_a_late_ticket_and_a_suspended_channel_s_open_nothing(channel: Channel) -> None:
    ticket = tickets.issue_ticket(channel.pk, now=NOW)
    with pytest.raises(TicketRefused):
        services.find_or_begin_broadcast(key=ticket, ingest="here:1", now=NOW + tickets.LIFE)
    Channel.objects.update(suspended=True)
    with pytest.raises(ChannelSuspended):
        services.find_or_begin_broadcast(key=ticket, ingest="here:1", now=NOW)
