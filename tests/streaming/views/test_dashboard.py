"""The streamer's page: whose it is, the key shown once, stream info, health."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from streaming import on_air, services
from streaming.bus import publication, reading, troubles
from streaming.errors import KeyRevoked
from streaming.health import Health
from streaming.media import BroadcastState
from streaming.models import Channel
from streaming.views.dashboard import KEYS
from tests.streaming.watched import watch
from workers.dispatcher.judgement import Loss

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def alice(client: Client, channel: Channel) -> Client:
    """Alice's browser."""
    client.force_login(channel.user)
    return client


@pytest.mark.parametrize("url", ["/dashboard", "/dashboard/health"])
def test_reading_needs_a_sign_in(client: Client, db: None, url: str) -> None:
    response = client.get(url)
    assert response["Location"] == f"/accounts/login/?next={url}"


@pytest.mark.parametrize("url", ["/dashboard/key", "/dashboard/key/revoke", "/dashboard/info", "/dashboard/end"])
def test_writing_needs_a_sign_in_a_post_and_a_csrf_token(channel: Channel, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(url).status_code == 403
    client.force_login(channel.user)
    assert client.post(url).status_code == 403
    assert client.get(url).status_code == 405
    assert not channel.stream_keys.exists()


def test_a_new_key_is_shown_once(alice: Client, channel: Channel) -> None:
    response = alice.post("/dashboard/key")
    shown = response.context["new_key"]
    assert shown in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert services.find_stream_key(key=shown).channel == channel
    assert shown not in alice.get("/dashboard").content.decode()


def test_revoking_leaves_the_channel_without_a_key(alice: Client, key: str) -> None:
    assert alice.post("/dashboard/key/revoke")["Location"] == "/dashboard"
    with pytest.raises(KeyRevoked):
        services.find_stream_key(key=key)
    assert "You have no stream key" in alice.get("/dashboard").content.decode()


def test_keys_are_limited(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)  # or the window may end in between
    for _ in range(KEYS.count):
        assert alice.post("/dashboard/key").status_code == 200
    assert alice.post("/dashboard/key").status_code == 429


def test_stream_info_is_saved(alice: Client, channel: Channel) -> None:
    music = services.set_stream_info(channel_id=channel.pk, category="music").category
    assert music is not None
    alice.post("/dashboard/info", {"title": "Tape", "category": music.pk, "tags": "synths, #live  c++"})
    channel.refresh_from_db()
    assert (channel.title, channel.category, channel.tags) == ("Tape", music, ["synths", "live", "c++"])


def test_stream_info_out_of_bounds_comes_back_with_words(alice: Client, channel: Channel) -> None:
    response = alice.post("/dashboard/info", {"title": "x" * 141, "tags": "ok <b>"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "141 characters" in page
    assert "&lt;b&gt;" in page
    channel.refresh_from_db()
    assert channel.title == ""


def test_the_preview_knows_at_once_what_is_on(alice: Client, key: str) -> None:
    assert 'data-broadcast=""' in alice.get("/dashboard").content.decode()
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert f'data-broadcast="{broadcast.pk}"' in alice.get("/dashboard").content.decode()


def test_a_stream_that_waits_is_ended_and_one_that_is_live_is_not(
    alice: Client, key: str, bus_url: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    assert "didn&#x27;t wait" in alice.post("/dashboard/end", follow=True).content.decode()
    services.mark_reconnecting(broadcast_id=broadcast.pk, ingest="a", now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        assert "Your stream has ended." in alice.post("/dashboard/end", follow=True).content.decode()
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.ENDED
    assert on_air.bus().run(reading.standing(str(broadcast.pk))).ended


def test_health_of_an_offline_channel(alice: Client) -> None:
    assert alice.get("/dashboard/health").json() == {"state": "offline"}


def test_health_is_what_ingest_reports(alice: Client, key: str, bus_url: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    report = Health(video_bitrate=2_500_000, frame_rate=30.0, warnings=("No keyframe for 9 s.",))
    on_air.bus().run(publication.publish_health(str(broadcast.pk), report.pack()))
    answer = alice.get("/dashboard/health").json()
    assert (answer["state"], answer["broadcast"], answer["viewers"]) == ("live", str(broadcast.pk), 0)
    assert answer["health"]["video_bitrate"] == 2_500_000
    assert answer["health"]["warnings"] == ["No keyframe for 9 s."]


def test_what_viewers_of_the_ladder_missed_is_told_first(alice: Client, key: str, bus_url: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    report = Health(warnings=("No keyframe for 9 s.",))
    on_air.bus().run(publication.publish_health(str(broadcast.pk), report.pack()))
    for rendition in ("480p", "360p"):
        on_air.bus().run(troubles.note(str(broadcast.pk), 7, rendition, Loss.POISONED))
    assert alice.get("/dashboard/health").json()["health"]["warnings"] == [
        "Our encoder crashed on your picture twice: viewers of 480p and 360p missed a moment. Source went on.",
        "No keyframe for 9 s.",
    ]


def test_viewers_of_each_rendition_are_told(alice: Client, key: str, bus_url: str, state_url: str) -> None:
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    watch(broadcast.pk, source=2, audio=1)
    answer = alice.get("/dashboard/health").json()
    assert answer["renditions"] == [
        {"name": "source", "viewers": 2},
        {"name": "480p", "viewers": 0},
        {"name": "audio", "viewers": 1},
    ]


def test_nobody_sees_anothers_health(client: Client, key: str, django_user_model: type) -> None:
    services.find_or_begin_broadcast(key=key, ingest="a", now=NOW)
    client.force_login(django_user_model.objects.create_user("mallory"))  # type: ignore[attr-defined]
    assert client.get("/dashboard/health").json() == {"state": "offline"}
