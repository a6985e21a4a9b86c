"""The life of a broadcast, and that a channel has one whatever races."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError

from streaming import services
from streaming.errors import BroadcastEnded, KeyRevoked
from streaming.media import BroadcastState
from streaming.models import Broadcast, Channel
from tests.streaming.racing import RACERS, race

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def nobody_listens(_broadcast: UUID) -> None:
    """Stands for a bus that nobody reads."""


@pytest.mark.django_db
def test_a_key_begins_a_live_broadcast(channel: Channel, key: str) -> None:
    broadcast, resumed = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    broadcast.refresh_from_db()
    assert not resumed
    assert (broadcast.channel, broadcast.state, broadcast.started_at) == (channel, BroadcastState.LIVE, NOW)
    assert broadcast.pk.version == 7


@pytest.mark.django_db
def test_an_encoder_that_returns_resumes_the_same_broadcast(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert services.mark_reconnecting(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    again, existed = services.find_or_begin_broadcast(key=key, ingest="b", now=LATER)
    assert (again, existed) == (broadcast, True)
    services.resume_broadcast(broadcast_id=broadcast.pk, key=key, ingest="b")
    again.refresh_from_db()
    assert (again.state, again.ingest, again.reconnecting_since) == (BroadcastState.LIVE, "b", None)


@pytest.mark.django_db
def test_a_broadcast_that_waits_waits_on_until_its_encoder_has_its_seat(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    services.mark_reconnecting(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    services.find_or_begin_broadcast(key=key, ingest="b", now=LATER)
    broadcast.refresh_from_db()
    assert (broadcast.state, broadcast.ingest) == (BroadcastState.RECONNECTING, "a")


@pytest.mark.django_db
def test_a_broadcast_goes_by_the_key_of_its_last_encoder(channel: Channel, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    newer, text = services.issue_key(channel_id=channel.pk, now=LATER)
    services.resume_broadcast(broadcast_id=broadcast.pk, key=text, ingest="b")
    broadcast.refresh_from_db()
    assert broadcast.stream_key == newer


@pytest.mark.django_db
def test_a_second_encoder_leaves_no_trace_on_a_live_broadcast(key: str) -> None:
    services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    again, resumed = services.find_or_begin_broadcast(key=key, ingest="b", now=LATER)
    assert (resumed, again.ingest) == (True, "a")


@pytest.mark.django_db
def test_who_lost_the_encoder_to_another_ingest_marks_nothing(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    services.resume_broadcast(broadcast_id=broadcast.pk, key=key, ingest="b")
    assert not services.mark_reconnecting(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE


@pytest.mark.django_db
def test_a_broadcast_nobody_came_back_to_is_given_up_once(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert not services.give_up_broadcast(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    services.mark_reconnecting(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    assert not services.give_up_broadcast(broadcast_id=broadcast.pk, ingest="b", now=LATER)
    assert services.give_up_broadcast(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    assert not services.give_up_broadcast(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    broadcast.refresh_from_db()
    assert (broadcast.state, broadcast.ended_at) == (BroadcastState.ENDED, LATER)


@pytest.mark.django_db
def test_an_ended_broadcast_is_never_resumed(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    services.end_broadcast(broadcast_id=broadcast.pk, now=LATER, publish=nobody_listens)
    with pytest.raises(BroadcastEnded):
        services.resume_broadcast(broadcast_id=broadcast.pk, key=key, ingest="a")
    another, resumed = services.find_or_begin_broadcast(key=key, ingest="a", now=LATER)
    assert another != broadcast
    assert not resumed


@pytest.mark.django_db
def test_a_rotated_key_ends_nothing_but_resumes_nothing_either(channel: Channel, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    _, new = services.issue_key(channel_id=channel.pk, now=LATER)
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE
    services.mark_reconnecting(broadcast_id=broadcast.pk, ingest="a", now=LATER)
    with pytest.raises(KeyRevoked):
        services.find_or_begin_broadcast(key=key, ingest="a", now=LATER)
    assert services.find_or_begin_broadcast(key=new, ingest="a", now=LATER) == (broadcast, True)


@pytest.mark.django_db(transaction=True)
def test_ending_twice_tells_the_bus_once(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    told: list[UUID] = []
    assert services.end_broadcast(broadcast_id=broadcast.pk, now=LATER, publish=told.append)
    assert not services.end_broadcast(broadcast_id=broadcast.pk, now=LATER, publish=told.append)
    assert told == [broadcast.pk]
    broadcast.refresh_from_db()
    assert (broadcast.state, broadcast.ended_at) == (BroadcastState.ENDED, LATER)


@pytest.mark.django_db
def test_a_clock_behind_the_starts_ends_no_broadcast_before_it_began(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    services.end_broadcast(broadcast_id=broadcast.pk, now=NOW - timedelta(seconds=5), publish=nobody_listens)
    broadcast.refresh_from_db()
    assert broadcast.ended_at == NOW


@pytest.mark.django_db
def test_an_unknown_broadcast_has_ended(db: None) -> None:
    assert not services.end_broadcast(broadcast_id=uuid4(), now=NOW, publish=nobody_listens)


@pytest.mark.django_db
def test_the_database_refuses_a_second_open_broadcast(channel: Channel, key: str) -> None:
    services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    with pytest.raises(IntegrityError, match="broadcast_one_open"):
        Broadcast.objects.create(channel=channel, started_at=NOW, ingest="b")


@pytest.mark.django_db
def test_the_database_refuses_an_ended_broadcast_without_its_time(channel: Channel) -> None:
    with pytest.raises(IntegrityError, match="broadcast_ended_at_iff_ended"):
        Broadcast.objects.create(channel=channel, started_at=NOW, ingest="b", state=BroadcastState.ENDED)


@pytest.mark.django_db(transaction=True)
def test_of_racing_encoders_one_begins_the_broadcast(channel: Channel, key: str) -> None:
    for _ in range(12):
        outcomes = race(lambda n: services.find_or_begin_broadcast(key=key, ingest=f"{n}", now=NOW))
        assert len({broadcast.pk for broadcast, _ in outcomes}) == 1
        assert [resumed for _, resumed in outcomes].count(False) == 1
        assert Broadcast.objects.open().count() == 1
        services.end_broadcast(broadcast_id=outcomes[0][0].pk, now=NOW, publish=nobody_listens)


@pytest.mark.django_db(transaction=True)
def test_of_racing_enders_one_tells_the_bus(key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    told: list[UUID] = []
    race(lambda _: services.end_broadcast(broadcast_id=broadcast.pk, now=LATER, publish=told.append))
    assert told == [broadcast.pk]


@pytest.mark.django_db(transaction=True)
def test_of_racing_rotations_one_key_is_usable(channel: Channel) -> None:
    race(lambda _: services.issue_key(channel_id=channel.pk, now=NOW))
    assert channel.stream_keys.count() == RACERS
    assert channel.stream_keys.usable().count() == 1
