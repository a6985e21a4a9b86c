"""`/vods` as programs and players ask it."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import issue_api_token
from chat.services import roles
from tests.vods.conftest import NOW
from vods.models import Asset, AssetKind, Visibility, Vod, VodState


@pytest.fixture
def viewer(vod: Vod) -> User:
    return User.objects.create_user("viewer")


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def told(client: Client, vod: Vod, **body: Any) -> Any:
    return client.post(f"/vods/{vod.pk}/watching", body, content_type="application/json")


def test_a_public_vod_says_everything_that_plays_it(client: Client, vod: Vod) -> None:
    Asset.objects.create(vod=vod, kind=AssetKind.POSTER, state="ready", key="p", size=1)
    found = client.get(f"/vods/{vod.pk}").json()
    assert found["channel"] == "alice"
    assert found["durationMs"] == 60_000
    assert found["manifestUrl"].endswith(f"/vods/{vod.pk}/manifest.m3u8")
    assert found["posterUrl"].endswith("poster.jpg")
    assert found["storyboardUrl"] is None
    assert found["watchUrl"].endswith(f"/videos/{vod.pk}")
    assert (found["downloads"], found["making"], found["resumeMs"]) == ([], [], 0)


def test_lists_are_of_public_vods_that_play(client: Client, vod: Vod) -> None:
    assert [one["id"] for one in client.get("/vods?channel=ALICE").json()["vods"]] == [str(vod.pk)]
    assert client.get("/vods?channel=bobby").json()["total"] == 0
    Vod.objects.update(visibility=Visibility.UNLISTED)
    assert client.get("/vods").json()["vods"] == []
    assert client.get(f"/vods/{vod.pk}").status_code == 200


def test_what_is_not_for_everybody_has_a_token_for_those_whom_it_is_for(client: Client, vod: Vod, viewer: User) -> None:
    Vod.objects.update(visibility=Visibility.FOLLOWERS)
    assert client.get(f"/vods/{vod.pk}").status_code == 403
    assert as_user(viewer).get(f"/vods/{vod.pk}").status_code == 403
    roles.follow(channel=vod.channel, user=viewer, now=NOW)
    assert "?token=" in as_user(viewer).get(f"/vods/{vod.pk}").json()["manifestUrl"]
    Vod.objects.update(visibility=Visibility.PRIVATE)
    assert as_user(viewer).get(f"/vods/{vod.pk}").json()["code"] == "not_found"
    _, token = issue_api_token(user=vod.channel.user, name="bot", now=NOW)
    answer = client.get(f"/vods/{vod.pk}", headers={"Authorization": f"Bearer {token}"})
    assert "?token=" in answer.json()["manifestUrl"]


def test_its_streamer_changes_it_and_nobody_else(client: Client, vod: Vod, viewer: User) -> None:
    change = json.dumps({"title": "Finale", "category": "music", "visibility": "unlisted"})
    options: dict[str, Any] = {"content_type": "application/json"}
    assert client.patch(f"/vods/{vod.pk}", change, **options).status_code == 401
    assert as_user(viewer).patch(f"/vods/{vod.pk}", change, **options).status_code == 403
    changed = as_user(vod.channel.user).patch(f"/vods/{vod.pk}", change, **options).json()
    assert (changed["title"], changed["category"]["slug"], changed["visibility"]) == ("Finale", "music", "unlisted")
    answer = as_user(vod.channel.user).patch(f"/vods/{vod.pk}", '{"category": "nonesuch"}', **options)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_category")


def test_chapters_are_set_by_its_streamer(vod: Vod, viewer: User) -> None:
    chapters = {"chapters": [{"atMs": 0, "title": "Start"}, {"atMs": 30_000, "title": "Boss"}]}
    options: dict[str, Any] = {"content_type": "application/json"}
    assert as_user(viewer).put(f"/vods/{vod.pk}/chapters", chapters, **options).status_code == 403
    owner = as_user(vod.channel.user)
    assert owner.put(f"/vods/{vod.pk}/chapters", chapters, **options).status_code == 204
    assert owner.get(f"/vods/{vod.pk}").json()["chapters"] == chapters["chapters"]
    late = {"chapters": [{"atMs": 60_000, "title": "Late"}]}
    assert owner.put(f"/vods/{vod.pk}/chapters", late, **options).json()["code"] == "bad_text"


def test_a_deleted_vod_is_gone_at_once(vod: Vod, viewer: User) -> None:
    assert as_user(viewer).delete(f"/vods/{vod.pk}").status_code == 403
    assert as_user(vod.channel.user).delete(f"/vods/{vod.pk}").status_code == 204
    assert as_user(vod.channel.user).get(f"/vods/{vod.pk}").status_code == 404
    assert Vod.objects.get().state == VodState.DELETING


def test_a_viewer_is_counted_once_and_comes_back_to_where_they_were(
    client: Client, vod: Vod, viewer: User, state_url: str
) -> None:
    assert told(client, vod, viewer="browser-1", atMs=5_000).json() == {"views": 1}
    assert told(client, vod, viewer="browser-1", atMs=9_000).json() == {"views": 1}
    signed_in = as_user(viewer)
    assert told(signed_in, vod, viewer="browser-2", atMs=12_000).json() == {"views": 2}
    assert signed_in.get(f"/vods/{vod.pk}").json()["resumeMs"] == 12_000
    told(signed_in, vod, viewer="browser-2", atMs=0)
    assert signed_in.get(f"/vods/{vod.pk}").json()["resumeMs"] == 0
    assert told(as_user(vod.channel.user), vod, viewer="browser-3", atMs=1).json() == {"views": 2}
    vod.refresh_from_db()
    assert vod.watched_at is not None


@pytest.mark.parametrize("body", [{"viewer": "short", "atMs": 1}, {"viewer": "x" * 20, "atMs": -1}, {}])
def test_a_report_that_is_none_is_refused(client: Client, vod: Vod, body: dict[str, Any]) -> None:
    assert told(client, vod, **body).status_code == 422


def test_a_page_elsewhere_can_t_write_with_somebody_s_cookies(vod: Vod) -> None:
    foreign = Client(enforce_csrf_checks=True)
    foreign.force_login(vod.channel.user, backend="django.contrib.auth.backends.ModelBackend")
    assert told(foreign, vod, viewer="browser-1", atMs=1).status_code == 403
    assert foreign.delete(f"/vods/{vod.pk}").status_code == 403
    assert Vod.objects.get().state == VodState.READY


def test_there_is_no_other(client: Client, vod: Vod) -> None:
    assert client.get(f"/vods/{uuid4()}").json()["code"] == "not_found"
