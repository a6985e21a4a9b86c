"""The streamer's videos."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.vods.conftest import NOW
from vods.models import Asset, AssetKind, Visibility, Vod, VodKind, VodState
from vods.services.settings import settings_of
from vods.services.vods import set_chapters


@pytest.fixture
def owner(vod: Vod) -> Client:
    return as_user(vod.channel.user)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def body(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_has_every_video_and_what_it_takes(owner: Client, vod: Vod) -> None:
    Vod.objects.update(size=5_000_000, visibility=Visibility.PRIVATE, views=3)
    page = body(owner, "/dashboard/videos")
    for shown in (f'href="/dashboard/videos/{vod.pk}"', "Private", "4.8\xa0MB used", "1:00", "3 views"):
        assert shown in page
    Vod.objects.update(state=VodState.DELETING)
    assert str(vod.pk) not in body(owner, "/dashboard/videos")


def test_nobody_else_s_video_is_there(vod: Vod) -> None:
    other = as_user(User.objects.create_user("bobby"))
    assert str(vod.pk) not in body(other, "/dashboard/videos")
    for name in ("", "/poster", "/highlight", "/delete"):
        assert other.post(f"/dashboard/videos/{vod.pk}{name}").status_code == 404
    assert Vod.objects.get().state == VodState.READY


def edited(**changes: Any) -> dict[str, Any]:
    return {"title": "Finale", "description": "It ends.", "category": "", "visibility": "unlisted", **changes}


def test_a_video_is_changed_with_its_chapters_or_not_at_all(owner: Client, vod: Vod) -> None:
    answer = owner.post(f"/dashboard/videos/{vod.pk}", edited(chapters="0:00 Start\n0:30 Boss", downloads="on"))
    assert answer.status_code == 302
    vod.refresh_from_db()
    assert (vod.title, vod.visibility, vod.downloads) == ("Finale", "unlisted", True)
    assert [(one.at_ms, one.title) for one in vod.chapters.all()] == [(0, "Start"), (30_000, "Boss")]
    assert "0:30 Boss" in body(owner, f"/dashboard/videos/{vod.pk}")
    set_chapters(vod_id=vod.pk, chapters=[(12_345, "Boss")])  # as a program sets them
    assert "0:12.345 Boss" in body(owner, f"/dashboard/videos/{vod.pk}")

    answer = owner.post(f"/dashboard/videos/{vod.pk}", edited(title="Other", chapters="5:00 Late"))
    assert answer.status_code == 422
    assert "within the video" in answer.content.decode()
    answer = owner.post(f"/dashboard/videos/{vod.pk}", edited(title="Other", chapters="soon Late"))
    assert "is no time" in answer.content.decode()
    vod.refresh_from_db()
    assert vod.title == "Finale"


def test_the_thumbnail_shows_another_moment_and_stays_until_then(owner: Client, vod: Vod) -> None:
    Asset.objects.create(vod=vod, kind=AssetKind.POSTER, state="ready", key="p", size=1, facts={"at_ms": 1})
    assert owner.post(f"/dashboard/videos/{vod.pk}/poster", {"at": "0:42"}).status_code == 302
    vod.refresh_from_db()
    poster = vod.assets.get()
    assert vod.poster_ms == 42_000
    assert (poster.state, "asked" in poster.facts) == ("ready", True)
    assert owner.post(f"/dashboard/videos/{vod.pk}/poster", {"at": "2:00"}).status_code == 422


def test_a_highlight_is_asked_for(owner: Client, vod: Vod) -> None:
    Vod.objects.update(visibility=Visibility.FOLLOWERS)
    url = f"/dashboard/videos/{vod.pk}/highlight"
    answer = owner.post(url, {"cut-begin": "0:10", "cut-end": "0:40", "cut-title": "The save"})
    made = Vod.objects.get(kind=VodKind.HIGHLIGHT)
    assert answer["Location"] == f"/videos/{made.pk}"
    assert (made.from_ms, made.to_ms, made.title) == (10_000, 40_000, "The save")
    assert (made.state, made.visibility, made.source) == (VodState.SEALING, Visibility.FOLLOWERS, vod)
    for begin, end in (("0:40", "0:10"), ("0:10", "2:00"), ("0:10", "0:12")):
        assert owner.post(url, {"cut-begin": begin, "cut-end": end}).status_code == 422


def test_a_video_is_deleted(owner: Client, vod: Vod) -> None:
    assert "Delete “alice" in body(owner, f"/dashboard/videos/{vod.pk}")
    assert owner.post(f"/dashboard/videos/{vod.pk}/delete")["Location"] == "/dashboard/videos"
    assert Vod.objects.get().state == VodState.DELETING


def test_settings_count_for_what_comes(owner: Client, vod: Vod) -> None:
    given = {"visibility": "followers", "clippers": "nobody", "retention_days": "30", "cold_end": "delete", "dvr": "on"}
    assert owner.post("/dashboard/videos/settings", given).status_code == 302
    settings = settings_of(vod.channel_id)
    assert (settings.keep_broadcasts, settings.dvr, settings.retention_days) == (False, True, 30)
    assert (settings.visibility, settings.clippers, settings.cold_end) == ("followers", "nobody", "delete")
    assert owner.post("/dashboard/videos/settings", {**given, "retention_days": "0"}).status_code == 422


def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client, vod: Vod) -> None:
    assert client.get("/dashboard/videos")["Location"].startswith("/accounts/login/")
    assert vod.recorded_at == NOW
