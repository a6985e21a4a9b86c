"""A video's page, and where videos are listed."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from chat.models import Marker
from chat.services import roles
from streaming import services
from streaming.models import Category, Channel
from tests.streaming.packed import Packed
from tests.vods.conftest import NOW
from tests.vods.recorded import nobody_listens, packed_clip, record
from vods.models import Asset, AssetKind, Visibility, Vod, VodState
from vods.services.vods import set_chapters


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_clip(tmp_path_factory.mktemp("clip"), seconds=5)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def body(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def test_the_page_has_the_player_and_what_it_is_about(client: Client, vod: Vod) -> None:
    Vod.objects.update(title="<b>Finale</b>", description="See https://example.org", views=1_234)
    set_chapters(vod_id=vod.pk, chapters=[(0, "Start"), (30_000, "Boss")])
    Asset.objects.create(vod=vod, kind=AssetKind.STORYBOARD, state="ready", key="s", size=1)
    page = body(client, f"/videos/{vod.pk}")
    assert "&lt;b&gt;Finale&lt;/b&gt;" in page
    for shown in (
        f'data-manifest="/vods/{vod.pk}/manifest.m3u8"',
        f'src="/vods/{vod.pk}/storyboard.vtt"',
        f'src="/videos/{vod.pk}/chapters.vtt"',
        'href="?t=0h0m30s"',
        "1,234",
        'property="og:title"',
        'rel="nofollow"',
        "1 September 2026",
    ):
        assert shown in page
    assert "Being made" not in page


def test_marks_that_were_set_while_live_are_at_their_moment(client: Client, channel: Channel, packed: Packed) -> None:
    vod = record(channel, packed)
    assert vod.broadcast is not None
    Marker.objects.create(broadcast=vod.broadcast, at=vod.recorded_at + timedelta(seconds=3), text="The goal")
    page = body(client, f"/videos/{vod.pk}")
    assert 'data-mark="3000"' in page
    assert "The goal" in page


def test_what_was_said_is_beside_it_where_it_was_kept(client: Client, vod: Vod) -> None:
    assert "data-replay" not in body(client, f"/videos/{vod.pk}")
    Asset.objects.create(vod=vod, kind=AssetKind.CHAT, state="ready", key="c", size=1)
    assert f'data-replay="/vods/{vod.pk}/chat-{{n}}.json"' in body(client, f"/videos/{vod.pk}")


def test_the_streamer_sees_how_far_the_products_are(client: Client, vod: Vod) -> None:
    Asset.objects.create(vod=vod, kind=AssetKind.MP4, progress=40)
    assert "Being made" not in body(client, f"/videos/{vod.pk}")
    page = body(as_user(vod.channel.user), f"/videos/{vod.pk}")
    assert "Being made" in page
    assert 'value="40"' in page


def test_downloads_are_offered_where_they_are_allowed(client: Client, vod: Vod) -> None:
    Asset.objects.create(vod=vod, kind=AssetKind.MP4, state="ready", key="v", size=5_000_000)
    assert "Download" not in body(client, f"/videos/{vod.pk}")
    assert "video-0.mp4?token=" in body(as_user(vod.channel.user), f"/videos/{vod.pk}")
    Vod.objects.update(downloads=True)
    assert f'href="/vods/{vod.pk}/video-0.mp4"' in body(client, f"/videos/{vod.pk}")


def test_a_video_for_followers_says_so_and_a_private_one_is_not_there(client: Client, vod: Vod) -> None:
    viewer = User.objects.create_user("viewer")
    Vod.objects.update(visibility=Visibility.FOLLOWERS)
    assert "For followers of alice" in body(client, f"/videos/{vod.pk}", 403)
    assert "manifest.m3u8" not in body(as_user(viewer), f"/videos/{vod.pk}", 403)
    assert as_user(viewer).get(f"/videos/{vod.pk}/chapters.vtt").status_code == 404
    roles.follow(channel=vod.channel, user=viewer, now=NOW)
    page = body(as_user(viewer), f"/videos/{vod.pk}")
    assert "manifest.m3u8?token=" in page
    assert "og:title" not in page
    Vod.objects.update(visibility=Visibility.PRIVATE)
    assert as_user(viewer).get(f"/videos/{vod.pk}").status_code == 404
    assert "manifest.m3u8?token=" in body(as_user(vod.channel.user), f"/videos/{vod.pk}")


def test_a_suspended_channel_s_videos_are_not_there(client: Client, vod: Vod) -> None:
    Channel.objects.update(suspended=True)
    for visibility in Visibility.values:
        Vod.objects.update(visibility=visibility)
        assert client.get(f"/videos/{vod.pk}").status_code == 404
        assert client.get(f"/vods/{vod.pk}").status_code == 404
        assert as_user(vod.channel.user).get(f"/videos/{vod.pk}").status_code == 200


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (VodState.RECORDING, "is live: this is being recorded"),
        (VodState.SEALING, "is being made ready"),
        (VodState.FAILED, "can&#x27;t be played"),
    ],
)
def test_what_does_not_play_says_why(client: Client, vod: Vod, state: VodState, says: str) -> None:
    Vod.objects.update(state=state)
    page = body(client, f"/videos/{vod.pk}").replace("can't", "can&#x27;t")
    assert says in page
    assert ("js/video-waiting.js" in page) is (state != VodState.FAILED)  # it looks for it by itself


def test_who_is_signed_in_begins_where_they_left_off(vod: Vod) -> None:
    viewer = User.objects.create_user("viewer")
    viewer.watch_positions.create(vod=vod, at_ms=42_000, updated_at=NOW)
    assert 'data-resume="42"' in body(as_user(viewer), f"/videos/{vod.pk}")


def test_lists_have_it_and_the_channel_that_is_off_offers_it(client: Client, vod: Vod) -> None:
    link = f'href="/videos/{vod.pk}"'
    assert re.search(r'data-last-video="alice"\s+hidden>', body(client, "/alice"))
    services.end_broadcast(broadcast_id=vod.broadcast_id or vod.pk, now=NOW, publish=nobody_listens)
    for url in ("/", "/alice", "/alice/videos"):
        assert link in body(client, url)
    assert re.search(r'data-last-video="alice"\s*>', body(client, "/alice"))
    Vod.objects.update(visibility=Visibility.UNLISTED)
    for url in ("/", "/alice", "/alice/videos"):
        assert link not in body(client, url)


@pytest.mark.parametrize("words", ["grand finale", "FINALE", '"grand finale"', "finale -rehearsal"])
def test_a_search_finds_it_by_words_of_its_title(client: Client, vod: Vod, words: str) -> None:
    Vod.objects.update(title="The Grand Finale")
    assert vod.get_absolute_url() in body(client, f"/search?{urlencode({'q': words})}")


@pytest.mark.parametrize("words", ["fin", "finale rehearsal", "'", "-", '"', "a:b & !(", "\\"])
def test_a_search_for_other_words_does_not(client: Client, vod: Vod, words: str) -> None:
    Vod.objects.update(title="The Grand Finale")
    assert "No video has" in body(client, f"/search?{urlencode({'q': words})}")


def test_a_search_by_words_asks_an_index(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "vod_title_words" in Vod.objects.matching("finale").explain()


def test_its_category_lists_it(client: Client, vod: Vod) -> None:
    Vod.objects.update(category=Category.objects.get(slug="music"))
    assert vod.get_absolute_url() in body(client, "/directory/music")
    assert vod.get_absolute_url() not in body(client, "/directory/art")


def test_chapters_are_webvtt(client: Client, vod: Vod) -> None:
    set_chapters(vod_id=vod.pk, chapters=[(0, "Start")])
    response = client.get(f"/videos/{vod.pk}/chapters.vtt")
    assert response["Content-Type"] == "text/vtt; charset=utf-8"
    assert "00:00:00.000 --> 00:01:00.000\nStart" in response.content.decode()
