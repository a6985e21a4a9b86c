"""The admin acts through the services."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from streaming import on_air, services
from streaming.bus import events, troubles
from streaming.media import BroadcastState
from streaming.models import Broadcast, Channel, StreamKey
from tests.streaming.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    """A superuser's browser."""
    client.force_login(User.objects.create_superuser("bossy"))
    return client


PAGES = [
    "accounts/user",
    "accounts/apitoken",
    "streaming/channel",
    "streaming/streamkey",
    "streaming/category",
    "streaming/broadcast",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_list_opens(boss: Client, key: str, page: str) -> None:
    services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert boss.get(f"/admin/{page}/").status_code == 200
    assert boss.get(f"/admin/{page}/?q=alice").status_code == 200


def test_the_door_is_the_sites_own_sign_in(client: Client, db: None) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"].startswith("/accounts/login/")


def test_who_is_no_staff_stays_out(client: Client, channel: Channel) -> None:
    client.force_login(channel.user)
    assert client.get("/admin/", follow=True).status_code == 403


def end(client: Client, broadcast: Broadcast) -> Any:
    fields = {"action": "end_broadcast", "_selected_action": [str(broadcast.pk)]}
    return client.post("/admin/streaming/broadcast/", fields, follow=True)


@pytest.mark.django_db(transaction=True)
def test_the_action_ends_a_broadcast_for_real(boss: Client, key: str, bus_url: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    start = on_air.bus().run(events.newest_id())
    assert "Ended 1 broadcast." in end(boss, broadcast).content.decode()
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.ENDED
    told = on_air.bus().run(events.read_events(start, block_ms=1))
    assert [event for _, event in told] == [events.BroadcastHasEnded(str(broadcast.pk))]


def test_the_action_is_for_staff_who_may_change_broadcasts(client: Client, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    client.force_login(User.objects.create_user("helper", is_staff=True))
    end(client, broadcast)
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE


def test_a_key_is_shown_by_the_beginning_of_its_hash_only(boss: Client, key: str) -> None:
    row = StreamKey.objects.get()
    for url in ("/admin/streaming/streamkey/", f"/admin/streaming/streamkey/{row.pk}/change/"):
        page = boss.get(url).content.decode()
        assert row.hash[:12] in page
        assert row.hash not in page
        assert row.prefix not in page


def channel_fields(**change: Any) -> dict[str, Any]:
    return {"title": "", "category": "", "tags": "", **change}


def test_partners_are_made_here(boss: Client, channel: Channel) -> None:
    boss.post(f"/admin/streaming/channel/{channel.pk}/change/", channel_fields(partner="on"))
    channel.refresh_from_db()
    assert channel.partner


def test_what_viewers_missed_is_shown(boss: Client, channel: Channel, key: str, bus_url: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    on_air.bus().run(troubles.note(str(broadcast.pk), 7, "480p", "poisoned"))
    page = boss.get(f"/admin/streaming/broadcast/{broadcast.pk}/change/").content.decode()
    assert "segment 7 of 480p, poisoned" in page


def test_suspending_ends_the_broadcast(boss: Client, channel: Channel, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    boss.post(f"/admin/streaming/channel/{channel.pk}/change/", channel_fields(suspended="on"))
    broadcast.refresh_from_db()
    channel.refresh_from_db()
    assert (channel.suspended, broadcast.state) == (True, BroadcastState.ENDED)
    boss.post(f"/admin/streaming/channel/{channel.pk}/change/", channel_fields())
    channel.refresh_from_db()
    assert not channel.suspended


def test_whoever_is_not_active_any_more_is_off_the_air(boss: Client, channel: Channel, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    fields = {"username": channel.user.username, "email": ""}
    boss.post(f"/admin/accounts/user/{channel.user.pk}/change/", {**fields, "is_active": "on"})
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE
    boss.post(f"/admin/accounts/user/{channel.user.pk}/change/", fields)
    broadcast.refresh_from_db()
    channel.user.refresh_from_db()
    assert (channel.user.is_active, broadcast.state) == (False, BroadcastState.ENDED)


def test_a_moderator_changes_the_title_live(boss: Client, channel: Channel, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    boss.post(f"/admin/streaming/channel/{channel.pk}/change/", channel_fields(title=" Milder ", tags="#calm"))
    broadcast.refresh_from_db()
    assert (broadcast.title, broadcast.tags) == ("Milder", ["calm"])


def test_a_user_made_here_has_a_channel(boss: Client) -> None:
    fields = {"username": "Newbie", "usable_password": "true", "password1": "pass word 77", "password2": "pass word 77"}
    boss.post("/admin/accounts/user/add/", fields)
    assert Channel.objects.get(user__username="newbie")
