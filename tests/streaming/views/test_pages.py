"""What every visitor sees."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from streaming import on_air, services
from streaming.bus import viewers
from streaming.models import Broadcast, Channel
from streaming.views.pages import SEARCHES

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def go_live(channel: Channel) -> Broadcast:
    _, key = services.issue_key(channel_id=channel.pk, now=NOW)
    return services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)[0]


def nobody_listens(_broadcast: UUID) -> None:
    """Stands for a bus that nobody reads."""


def watch(broadcast: Broadcast, *names: str) -> None:
    """Viewers of these names report that they watch."""
    now_ms = int(timezone.now().timestamp() * 1000)
    for name in names:
        report = viewers.Report(viewer=name, rendition="source")
        on_air.state().run(viewers.beat(str(broadcast.pk), report, address="192.0.2.1", now_ms=now_ms))


def body(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_home_says_what_to_do_while_nobody_is_live(client: Client, db: None) -> None:
    page = body(client, "/")
    assert "The water is still." in page
    assert "/accounts/signup/" in page


def test_home_lists_who_is_live_with_everything_a_card_shows(
    client: Client, make_channel: Callable[[str], Channel]
) -> None:
    channel = make_channel("alice")
    services.set_stream_info(channel_id=channel.pk, title="<b>Tape</b>", category="Music", tags=["synths"])
    broadcast = go_live(channel)
    watch(broadcast, "v1", "v2")
    page = body(client, "/")
    assert "&lt;b&gt;Tape&lt;/b&gt;" in page
    assert f"/streams/{broadcast.pk}/thumbnail.jpg" in page
    for shown in ("alice", "Music", "synths", "2 viewers", 'datetime="2026-01-01T12:00:00+00:00"', "LIVE"):
        assert shown in page


def test_the_most_watched_come_first(client: Client, make_channel: Callable[[str], Channel]) -> None:
    few, many = go_live(make_channel("few_")), go_live(make_channel("many"))
    watch(few, "v1")
    watch(many, "v1", "v2", "v3")
    page = body(client, "/")
    assert page.index("/many") < page.index("/few_")


def test_ended_and_suspended_channels_are_not_listed(client: Client, make_channel: Callable[[str], Channel]) -> None:
    services.end_broadcast(broadcast_id=go_live(make_channel("ended")).pk, now=NOW, publish=nobody_listens)
    suspended = make_channel("suspended")
    go_live(suspended)
    Channel.objects.filter(pk=suspended.pk).update(suspended=True)
    assert "The water is still." in body(client, "/")


def test_the_directory_counts_and_its_category_lists(client: Client, make_channel: Callable[[str], Channel]) -> None:
    alice, bob = make_channel("alice"), make_channel("bobby")
    for channel, category in ((alice, "Music"), (bob, "Art")):
        services.set_stream_info(channel_id=channel.pk, title=f"by {channel.login}", category=category)
        go_live(channel)
    assert body(client, "/directory").count("1 live") == 2
    page = body(client, "/directory/music")
    assert "by alice" in page
    assert "by bobby" not in page


def test_an_unknown_category_is_not_found(client: Client, db: None) -> None:
    assert client.get("/directory/juggling").status_code == 404


@pytest.mark.parametrize("words", ["tape", "lic", "MUSIC", "Synths"])
def test_search_finds_who_is_live_by_title_login_category_and_tag(
    client: Client, make_channel: Callable[[str], Channel], words: str
) -> None:
    alice = make_channel("alice")
    services.set_stream_info(channel_id=alice.pk, title="Old tapes", category="Music", tags=["synths"])
    go_live(alice)
    go_live(make_channel("bobby"))
    page = body(client, f"/search?q={words}")
    assert "Old tapes" in page
    assert "/bobby" not in page


def test_search_finds_channels_by_how_their_login_begins(
    client: Client, make_channel: Callable[[str], Channel]
) -> None:
    for login in ("alice", "alicia", "malice"):
        make_channel(login)
    Channel.objects.filter(user__username="alicia").update(suspended=True)
    page = body(client, "/search?q=Ali")
    assert 'href="/alice"' in page
    assert "/alicia" not in page
    assert "/malice" not in page


@pytest.mark.parametrize("words", ["", "a" * 500, "<script>"])
def test_search_takes_any_words(client: Client, db: None, words: str) -> None:
    assert "<script>" not in body(client, f"/search?q={words}").split("</head>")[1]


def test_searches_are_limited(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)  # or the window may end in between
    for _ in range(SEARCHES.count):
        assert client.get("/search?q=a").status_code == 200
    assert client.get("/search?q=a").status_code == 429


def test_a_live_channel_page_carries_the_player_and_the_info(client: Client, channel: Channel) -> None:
    services.set_stream_info(channel_id=channel.pk, title="Tape", category="Music", tags=["synths"])
    broadcast = go_live(channel)
    page = body(client, "/alice")
    assert f'data-broadcast="{broadcast.pk}"' in page
    assert 'data-live-url="/alice/live"' in page
    for shown in ("Tape", "/directory/music", "synths"):
        assert shown in page


def test_an_offline_channel_page_says_when_it_was_last_on(client: Client, channel: Channel) -> None:
    ended_at = timezone.now() - timedelta(hours=3)
    broadcast = go_live(channel)
    services.end_broadcast(broadcast_id=broadcast.pk, now=ended_at, publish=nobody_listens)
    page = body(client, "/alice")
    assert 'data-broadcast=""' in page
    assert "3\xa0hours ago" in page


def test_an_offline_player_learns_what_is_on(client: Client, channel: Channel) -> None:
    assert client.get("/alice/live").json() == {"broadcast": None}
    broadcast = go_live(channel)
    assert client.get("/alice/live").json() == {"broadcast": str(broadcast.pk)}


@pytest.mark.parametrize(("typed", "target"), [("/Alice", "/alice"), ("/alice/", "/alice"), ("/ALICE/", "/alice")])
def test_a_channel_is_found_however_its_login_is_typed(
    client: Client, channel: Channel, typed: str, target: str
) -> None:
    response = client.get(typed)
    assert (response.status_code, response["Location"]) == (301, target)


def test_a_page_without_its_slash_is_no_channel(client: Client, db: None) -> None:
    response = client.get("/admin")
    assert (response.status_code, response["Location"]) == (301, "/admin/")


@pytest.mark.parametrize("url", ["/nobody", "/nobody/live", "/abc", "/x/y/z"])
def test_what_is_not_there_is_not_found(client: Client, db: None, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 404
    assert "Nothing flows here." in response.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500"])
def test_an_error_page_needs_neither_request_nor_database(name: str) -> None:
    assert "<h1>" in render_to_string(f"{name}.html")


def test_a_stale_form_is_told_so(channel: Channel) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", {"login": "alice", "password": "x"})
    assert response.status_code == 403
    assert "This form is stale." in response.content.decode()


def test_a_suspended_channel_has_no_page(client: Client, channel: Channel) -> None:
    Channel.objects.update(suspended=True)
    assert client.get("/alice").status_code == 404
    assert client.get("/alice/live").status_code == 404


def test_pages_are_read_only(client: Client, channel: Channel) -> None:
    for url in ("/", "/directory", "/alice", "/alice/live"):
        assert client.post(url).status_code == 405


def test_a_page_has_no_inline_script_or_style(client: Client, channel: Channel) -> None:
    go_live(channel)
    client.force_login(channel.user)
    for url in ("/", "/directory", "/directory/music", "/alice", "/dashboard", "/settings"):
        page = body(client, url)
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
