"""The page of a video that is in cold storage, and the button that brings it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.vods.conftest import NOW
from vods.models import Asset, AssetKind, Recall, Tier, Visibility, Vod


@pytest.fixture
def cold(vod: Vod) -> Vod:
    """One with all that a page shows of it."""
    for kind in (AssetKind.POSTER, AssetKind.MP4, AssetKind.CHAT):
        facts = {"every_ms": 30_000, "offsets": [0]} if kind == AssetKind.CHAT else {}
        Asset.objects.create(vod=vod, kind=kind, state="ready", key=kind, size=1, facts=facts)
    Vod.objects.update(tier=Tier.COLD, tier_since=NOW, downloads=True, description="The finale")
    vod.refresh_from_db()
    return vod


@pytest.fixture
def viewer(db: None) -> Client:
    return as_user(User.objects.create_user("viewer", "viewer@example.org"))


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_of(client: Client, vod: Vod) -> str:
    answer = client.get(f"/videos/{vod.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_how_long_it_takes_and_has_no_player(client: Client, cold: Vod, settings: Any) -> None:
    settings.RESTORE_HOURS = [5, 12]
    page = page_of(client, cold)
    for shown in ("In cold storage", "about 5 hours", "Sign in to have it brought back", "poster.jpg", "The finale"):
        assert shown in page
    for missing in ("data-manifest", "manifest.m3u8", "video-0.mp4", "chat-", "js/video.js"):
        assert missing not in page
    Vod.objects.update(tier=Tier.ARCHIVE)
    assert "about 12 hours" in page_of(client, cold)


def test_who_is_signed_in_asks_once_and_is_told_so(viewer: Client, cold: Vod) -> None:
    assert "Bring it back and e-mail me" in page_of(viewer, cold)
    for _ in range(2):
        answer = viewer.post(f"/videos/{cold.pk}/recall", follow=True)
        assert answer.redirect_chain == [(f"/videos/{cold.pk}", 302)]
        page = answer.content.decode()
        assert "We write to viewer@example.org when it plays." in page
        assert "On its way" in page
        assert "js/video-waiting.js" in page
        assert "Bring it back" not in page
    assert Recall.objects.get().by.username == "viewer"
    assert Vod.objects.get().moving_to == Tier.WARM
    assert "Sign in to be told by e-mail" in page_of(Client(), cold)
    other = as_user(User.objects.create_user("other", "other@example.org"))
    assert "E-mail me when it plays" in page_of(other, cold)


def test_who_has_no_address_looks_here_again(cold: Vod) -> None:
    client = as_user(User.objects.create_user("other"))
    assert "e-mail me" not in page_of(client, cold)
    page = client.post(f"/videos/{cold.pk}/recall", follow=True).content.decode()
    assert "Look here again." in page


def test_the_button_is_limited_and_no_way_around_who_may_watch(viewer: Client, cold: Vod) -> None:
    Vod.objects.update(visibility=Visibility.PRIVATE)
    assert viewer.post(f"/videos/{cold.pk}/recall").status_code == 404
    assert not Recall.objects.exists()
    answers = [viewer.post(f"/videos/{cold.pk}/recall").status_code for _ in range(20)]
    assert answers[-1] == 429


def test_what_came_back_meanwhile_just_plays(viewer: Client, cold: Vod) -> None:
    Vod.objects.update(tier=Tier.WARM)
    assert "data-manifest" in viewer.post(f"/videos/{cold.pk}/recall", follow=True).content.decode()
    assert not Recall.objects.exists()


def test_programs_are_told(client: Client, cold: Vod, settings: Any) -> None:
    settings.RESTORE_HOURS = [5, 12]
    found = client.get(f"/vods/{cold.pk}").json()
    told = {name: found[name] for name in ("atHand", "tier", "comingBack", "restoreHours", "manifestUrl", "downloads")}
    assert told == {
        "atHand": False,
        "tier": "cold",
        "comingBack": False,
        "restoreHours": 5,
        "manifestUrl": None,
        "downloads": [],
    }
    Vod.objects.update(tier=Tier.HOT)
    found = client.get(f"/vods/{cold.pk}").json()
    assert (found["atHand"], found["tier"], found["restoreHours"]) == (True, "hot", None)
    assert client.get("/vods").json()["vods"][0]["atHand"]


def test_its_streamer_sees_where_videos_lie_and_what_they_cost(cold: Vod, settings: Any) -> None:
    owner = as_user(cold.channel.user)
    Vod.objects.update(size=5 * 2**30)
    page = owner.get("/dashboard/videos").content.decode()
    assert "Cold storage" in page
    assert "a month" not in page
    settings.TIER_PRICES = {**settings.TIER_PRICES, "cold": 2}
    page = owner.get("/dashboard/videos").content.decode()
    assert "5.0\xa0GB" in page
    assert "10.00 USD a month" in page
    edit = owner.get(f"/dashboard/videos/{cold.pk}").content.decode()
    assert "This video is in cold storage." in edit
    assert "Cut the highlight" not in edit
    Vod.objects.update(tier=Tier.HOT, moving_to=Tier.COLD, moving_since=NOW + timedelta(days=1), move=cold.pk)
    assert "On its way to cold storage" in owner.get("/dashboard/videos").content.decode()
