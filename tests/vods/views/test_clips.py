"""A clip's page and its card, and where clips are listed and made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from streaming.models import Channel
from tests.vods.conftest import NOW
from vods.models import Clip, ClipState, Visibility, Vod


@pytest.fixture
def viewer(vod: Vod) -> User:
    return User.objects.create_user("viewer")


@pytest.fixture
def clip(vod: Vod, viewer: User) -> Clip:
    return Clip.objects.create(
        channel=vod.channel,
        vod=vod,
        by=viewer,
        title="The <save>",
        from_ms=20_000,
        to_ms=32_000,
        created_at=NOW,
        state=ClipState.READY,
        key="k",
        poster_key="p",
        width=1280,
        height=720,
    )


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def body(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_its_address_has_a_card_for_previews(client: Client, clip: Clip) -> None:
    page = body(client, f"/clips/{clip.pk}")
    for shown in (
        '<meta property="og:title" content="The &lt;save&gt;">',
        f'/clips/{clip.pk}/poster.jpg">',
        f'/clips/{clip.pk}/clip.mp4">',
        '<meta name="twitter:card" content="summary_large_image">',
        "12 seconds",
        "clipped by viewer",
        f'href="/videos/{clip.vod_id}?t=0h0m20s"',
    ):
        assert shown in page
    assert "Delete" not in page


def test_lists_have_it(client: Client, clip: Clip) -> None:
    for url in ("/alice", "/alice/clips"):
        assert f'href="/clips/{clip.pk}"' in body(client, url)
    Vod.objects.update(visibility=Visibility.PRIVATE)
    for url in ("/alice", "/alice/clips"):
        assert f'href="/clips/{clip.pk}"' not in body(client, url)
    assert client.get(f"/clips/{clip.pk}").status_code == 404


def test_one_that_is_being_made_says_so(client: Client, clip: Clip) -> None:
    Clip.objects.update(state=ClipState.MAKING)
    assert "is being cut" in body(client, f"/clips/{clip.pk}")
    Clip.objects.update(state=ClipState.FAILED, error="Gone.")
    assert "could not be made. Gone." in body(client, f"/clips/{clip.pk}")


@pytest.mark.parametrize(
    "shut",
    [
        lambda: Channel.objects.update(suspended=True),
        lambda: User.objects.filter(username="alice").update(is_active=False),
        lambda: Vod.objects.update(visibility=Visibility.PRIVATE),
    ],
    ids=["suspended", "inactive", "private"],
)
def test_it_is_as_open_as_its_channel_and_its_video(client: Client, clip: Clip, shut: Callable[[], int]) -> None:
    assert client.get(f"/clips/{clip.pk}").status_code == 200
    assert shut() == 1
    for url in (f"/clips/{clip.pk}", f"/vods/clips/{clip.pk}"):
        assert client.get(url).status_code == 404
    assert client.get("/vods/clips").json()["clips"] == []


def test_who_made_it_deletes_it_and_its_streamer_too(vod: Vod, clip: Clip, viewer: User) -> None:
    other = as_user(User.objects.create_user("other"))
    assert other.post(f"/clips/{clip.pk}/delete").status_code == 403
    assert "Delete" in body(as_user(vod.channel.user), f"/clips/{clip.pk}")
    assert as_user(viewer).post(f"/clips/{clip.pk}/delete").status_code == 302
    assert Clip.objects.get().state == ClipState.DELETING


def test_it_is_made_by_the_api(client: Client, vod: Vod, viewer: User) -> None:
    asked: dict[str, Any] = {"vodId": str(vod.pk), "fromMs": 1_000, "toMs": 11_000, "title": "There"}
    options: dict[str, Any] = {"content_type": "application/json"}
    assert client.post("/vods/clips", asked, **options).status_code == 401
    answer = as_user(viewer).post("/vods/clips", asked, **options)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["durationMs"], made["by"], made["videoUrl"]) == ("making", 10_000, "viewer", None)
    assert client.get(f"/vods/clips/{made['id']}").json() == made
    assert client.get("/vods/clips?channel=alice").json()["clips"] == []
    assert as_user(viewer).post("/vods/clips", {"title": "x"}, **options).json()["code"] == "bad_range"
    stream = {"streamId": str(vod.broadcast_id), "since": "2026-09-01T12:00:00Z", "until": "2026-09-01T12:00:10Z"}
    assert as_user(viewer).post("/vods/clips", {**stream, "title": "x"}, **options).json()["code"] == "not_ready"


def test_it_is_deleted_by_the_api(vod: Vod, clip: Clip, viewer: User) -> None:
    other = as_user(User.objects.create_user("other"))
    assert other.delete(f"/vods/clips/{clip.pk}").status_code == 403
    assert as_user(viewer).delete(f"/vods/clips/{clip.pk}").status_code == 204
    assert as_user(viewer).get(f"/vods/clips/{clip.pk}").json()["code"] == "not_found"


def test_its_viewers_are_counted_once(client: Client, clip: Clip, state_url: str) -> None:
    for _ in range(2):
        told = client.post(f"/vods/clips/{clip.pk}/watching", {"viewer": "browser-1"}, content_type="application/json")
        assert told.json() == {"views": 1}


def test_the_button_is_for_those_who_may(client: Client, vod: Vod, viewer: User) -> None:
    assert "data-clip-button" not in body(client, f"/videos/{vod.pk}")
    assert "data-clip-button" in body(as_user(viewer), f"/videos/{vod.pk}")
    assert "data-clip-button" in body(as_user(viewer), "/alice")
