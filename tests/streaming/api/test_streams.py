"""The JSON API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts.services import issue_api_token, revoke_api_token
from streaming import services
from streaming.api.application import WRONG_KEYS
from streaming.models import Broadcast, Channel
from tests.streaming.conftest import NOW
from tests.streaming.watched import watch

pytestmark = pytest.mark.django_db


def nobody_listens(_broadcast: UUID) -> None:
    """Stands for a bus that nobody reads."""


def start(client: Client, body: Any, **headers: str) -> Any:
    return client.post("/streams/start", body, content_type="application/json", headers=headers)


def test_start_sets_what_the_next_broadcast_carries(client: Client, channel: Channel, key: str) -> None:
    response = start(client, {"streamKey": key, "title": "Tape", "category": "Music", "tags": ["#synths"]})
    assert response.status_code == 200
    assert response.json() == {
        "id": None,
        "channel": "alice",
        "state": "offline",
        "title": "Tape",
        "category": {"name": "Music", "slug": "music"},
        "tags": ["synths"],
        "viewers": 0,
        "startedAt": None,
        "endedAt": None,
        "watchUrl": "http://testserver/alice",
        "manifestUrl": None,
        "thumbnailUrl": None,
    }
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert broadcast.title == "Tape"


def test_start_changes_the_current_broadcast(client: Client, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    answer = start(client, {"streamKey": key, "title": "Now"}).json()
    assert (answer["id"], answer["state"], answer["title"]) == (str(broadcast.pk), "live", "Now")
    assert answer["manifestUrl"] == f"http://testserver/streams/{broadcast.pk}/manifest.m3u8"


def test_start_needs_no_csrf_token_for_the_key_is_the_authorisation(key: str) -> None:
    assert start(Client(enforce_csrf_checks=True), {"streamKey": key}).status_code == 200


def test_start_takes_an_api_token_instead_of_the_key(client: Client, channel: Channel) -> None:
    _, token = issue_api_token(user=channel.user, name="deck", now=NOW)
    assert start(client, {"title": "By token"}, Authorization=f"Bearer {token}").json()["title"] == "By token"


def test_a_revoked_token_is_refused(client: Client, channel: Channel) -> None:
    token, text = issue_api_token(user=channel.user, name="deck", now=NOW)
    revoke_api_token(user=channel.user, token_id=token.pk, now=NOW)
    response = start(client, {"title": "x"}, Authorization=f"Bearer {text}")
    assert (response.status_code, response.json()["code"]) == (401, "unknown_token")


def test_being_signed_in_is_not_enough(client: Client, channel: Channel) -> None:
    client.force_login(channel.user)
    assert start(client, {"title": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"streamKey": "live_wrong"}, 401, "unknown_key"),
        ({"title": "x" * 141}, 422, "invalid_stream_info"),
        ({"title": "x" * 10_000}, 422, "invalid_request"),
        ({"tags": ["two words"]}, 422, "invalid_stream_info"),
        ({"tags": "music"}, 422, "invalid_request"),
        ({"category": "Juggling"}, 422, "unknown_category"),
    ],
)
def test_what_start_refuses_has_a_code_and_a_sentence(
    client: Client, key: str, change: dict[str, Any], status: int, code: str
) -> None:
    response = start(client, {"streamKey": key} | change)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["message"].endswith(".")


def test_a_body_that_is_no_json_is_refused_in_json(client: Client, db: None) -> None:
    response = start(client, "{not json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


def test_a_suspended_channel_is_refused(client: Client, key: str) -> None:
    Channel.objects.update(suspended=True)
    response = start(client, {"streamKey": key})
    assert (response.status_code, response.json()["code"]) == (403, "channel_suspended")


def test_guessing_keys_is_limited(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)  # or the window may end in between
    for _ in range(WRONG_KEYS.count):
        assert start(client, {"streamKey": "live_guess"}).status_code == 401
    response = start(client, {"streamKey": "live_guess"})
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert int(response["Retry-After"]) > 0


@pytest.fixture
def broadcasts(make_channel: Callable[[str], Channel]) -> list[Broadcast]:
    """Three live broadcasts, the oldest first, and one that ended before them."""
    begun = []
    for number, login in enumerate(["gone", "first", "second", "third"]):
        channel = make_channel(login)
        services.set_stream_info(channel_id=channel.pk, category="music" if number % 2 else "art")
        _, key = services.issue_key(channel_id=channel.pk, now=NOW)
        now = NOW + timedelta(minutes=number)
        begun.append(services.find_or_begin_broadcast(key=key, ingest="a", now=now)[0])
    services.end_broadcast(broadcast_id=begun[0].pk, now=NOW + timedelta(hours=1), publish=nobody_listens)
    return begun


def channels(answer: Any) -> list[str]:
    return [stream["channel"] for stream in answer["streams"]]


def test_live_streams_are_listed_newest_first(client: Client, broadcasts: list[Broadcast]) -> None:
    answer = client.get("/streams?live=1").json()
    assert channels(answer) == ["third", "second", "first"]
    assert (answer["total"], answer["page"], answer["pages"]) == (3, 1, 1)


def test_all_streams_are_listed_without_live(client: Client, broadcasts: list[Broadcast]) -> None:
    assert channels(client.get("/streams").json()) == ["third", "second", "first", "gone"]


def test_streams_come_in_pages(client: Client, broadcasts: list[Broadcast]) -> None:
    assert channels(client.get("/streams?perPage=3&page=2").json()) == ["gone"]
    assert channels(client.get("/streams?perPage=3&page=3").json()) == []
    assert client.get("/streams?perPage=101").json()["code"] == "invalid_request"


def test_streams_are_filtered(client: Client, broadcasts: list[Broadcast]) -> None:
    assert channels(client.get("/streams?live=1&category=music").json()) == ["third", "first"]
    assert channels(client.get("/streams?channel=Second").json()) == ["second"]


def test_a_stream_is_found_by_id_ended_or_not(client: Client, broadcasts: list[Broadcast]) -> None:
    gone, live = broadcasts[0], broadcasts[1]
    answer = client.get(f"/streams/{gone.pk}").json()
    assert (answer["state"], answer["endedAt"], answer["manifestUrl"]) == ("ended", "2026-01-01T13:00:00Z", None)
    assert client.get(f"/streams/{live.pk}").json()["state"] == "live"


def test_an_unknown_stream_is_not_found_in_json(client: Client, db: None) -> None:
    response = client.get(f"/streams/{uuid4()}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_an_id_that_is_none_is_refused_in_json(client: Client, db: None) -> None:
    response = client.get("/streams/abc")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


def test_suspended_channels_are_neither_listed_nor_found(client: Client, broadcasts: list[Broadcast]) -> None:
    Channel.objects.update(suspended=True)
    assert client.get("/streams").json()["total"] == 0
    assert client.get(f"/streams/{broadcasts[1].pk}").status_code == 404


def test_a_page_of_streams_takes_few_queries(
    client: Client, broadcasts: list[Broadcast], django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(3):
        client.get("/streams?live=1")


def test_the_description_has_every_operation_and_the_manifest(client: Client, db: None) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {path for path in paths if path.startswith("/streams")} == {
        "/streams/start",
        "/streams",
        "/streams/{stream_id}",
        "/streams/{stream_id}/manifest.m3u8",
    }
    assert client.get("/api/docs").status_code == 200


def test_a_stream_tells_its_renditions_and_their_viewers(
    client: Client, key: str, bus_url: str, state_url: str
) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    watch(broadcast.pk, source=1, audio=2)
    answer = client.get(f"/streams/{broadcast.pk}").json()
    assert [(one["name"], one["viewers"]) for one in answer["renditions"]] == [("source", 1), ("480p", 0), ("audio", 2)]
    assert answer["viewers"] == 3
    assert answer["renditions"][0] == {
        "name": "source",
        "width": 1280,
        "height": 720,
        "frameRate": 29.97,
        "bandwidth": 6_000_000,
        "viewers": 1,
    }


def test_an_ended_stream_has_no_renditions(client: Client, key: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    services.end_broadcast(broadcast_id=broadcast.pk, now=NOW, publish=nobody_listens)
    assert client.get(f"/streams/{broadcast.pk}").json()["renditions"] == []
