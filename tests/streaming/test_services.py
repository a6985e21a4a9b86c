"""Keys, stream info, suspension: what the services write, and what they refuse."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError

from accounts.models import User
from streaming import services
from streaming.errors import ChannelSuspended, InvalidStreamInfo, KeyRevoked, UnknownCategory, UnknownKey
from streaming.models import Broadcast, Channel, StreamKey

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def nobody_listens(_broadcast: UUID) -> None:
    """Stands for a bus that nobody reads."""


def test_a_user_has_one_channel_however_often_it_is_made(channel: Channel) -> None:
    assert services.create_channel(user=channel.user, now=LATER) == channel


def test_users_without_a_channel_get_one(channel: Channel) -> None:
    admin = User.objects.create_superuser("boss")
    assert services.create_missing_channels(now=NOW) == 1
    assert set(Channel.objects.all()) == {channel, admin.channel}


def test_a_key_is_kept_only_as_a_hash(channel: Channel) -> None:
    key, text = services.issue_key(channel_id=channel.pk, now=NOW)
    row = StreamKey.objects.filter(pk=key.pk).values().get()
    assert text not in str(row)
    assert len(text) - len("live_") == 40  # 200 bits in base32


def test_a_key_finds_its_channel(channel: Channel, key: str) -> None:
    assert services.find_stream_key(key=key).channel == channel


def test_an_unknown_key_is_refused(channel: Channel) -> None:
    with pytest.raises(UnknownKey):
        services.find_stream_key(key="live_nobodyhasthis")


def test_a_new_key_replaces_the_old_one(channel: Channel, key: str) -> None:
    _, new = services.issue_key(channel_id=channel.pk, now=LATER)
    with pytest.raises(KeyRevoked):
        services.find_stream_key(key=key)
    assert services.find_stream_key(key=new).channel == channel


def test_a_revoked_key_is_refused(channel: Channel, key: str) -> None:
    assert services.revoke_key(channel_id=channel.pk, now=LATER)
    with pytest.raises(KeyRevoked):
        services.find_stream_key(key=key)
    assert not services.revoke_key(channel_id=channel.pk, now=LATER)


def test_the_database_allows_one_usable_key_a_channel(channel: Channel, key: str) -> None:
    with pytest.raises(IntegrityError, match="streamkey_one_usable"):
        StreamKey.objects.create(channel=channel, hash="0" * 64, prefix="x", created_at=NOW)


def test_the_key_of_an_inactive_user_is_refused(channel: Channel, key: str) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(ChannelSuspended):
        services.find_stream_key(key=key)


def test_a_suspended_channel_ends_and_is_refused_until_reinstated(
    channel: Channel, key: str, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    ended: list[UUID] = []
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        services.suspend_channel(channel_id=channel.pk, now=LATER, publish=ended.append)
    assert ended == [broadcast.pk]
    with pytest.raises(ChannelSuspended):
        services.find_or_begin_broadcast(key=key, ingest="a", now=LATER)
    services.reinstate_channel(channel_id=channel.pk)
    assert services.find_or_begin_broadcast(key=key, ingest="a", now=LATER)[1] is False


def test_stream_info_is_what_the_next_broadcast_starts_with(channel: Channel, key: str) -> None:
    services.set_stream_info(channel_id=channel.pk, title=" Hello ", category="music", tags=["#live"])
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert (broadcast.title, broadcast.tags) == ("Hello", ["live"])
    assert broadcast.category is not None
    assert broadcast.category.name == "Music"


def test_stream_info_reaches_the_open_broadcast_and_no_ended_one(channel: Channel, key: str) -> None:
    first, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    services.set_stream_info(channel_id=channel.pk, title="first")
    services.end_broadcast(broadcast_id=first.pk, now=LATER, publish=nobody_listens)
    second, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=LATER)
    services.set_stream_info(channel_id=channel.pk, title="second")
    titles = dict(Broadcast.objects.values_list("pk", "title"))
    assert titles == {first.pk: "first", second.pk: "second"}


def test_what_is_not_given_stays(channel: Channel) -> None:
    services.set_stream_info(channel_id=channel.pk, title="Hello", category="Music", tags=["a"])
    services.set_stream_info(channel_id=channel.pk)
    channel.refresh_from_db()
    assert (channel.title, str(channel.category), channel.tags) == ("Hello", "Music", ["a"])
    services.set_stream_info(channel_id=channel.pk, category="", tags=[])
    channel.refresh_from_db()
    assert (channel.title, channel.category, channel.tags) == ("Hello", None, [])


def test_stream_info_out_of_bounds_changes_nothing(channel: Channel) -> None:
    with pytest.raises(UnknownCategory, match="Juggling"):
        services.set_stream_info(channel_id=channel.pk, title="new", category="Juggling")
    with pytest.raises(InvalidStreamInfo):
        services.set_stream_info(channel_id=channel.pk, title="x" * 141)
    channel.refresh_from_db()
    assert channel.title == ""
