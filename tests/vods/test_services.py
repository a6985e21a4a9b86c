"""What people change about VODs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from streaming import on_air
from streaming.bus import events
from streaming.models import Broadcast, Channel
from tests.vods.conftest import NOW
from vods.errors import BadRange, BadText, NotReady, UnknownVod
from vods.models import Visibility, Vod, VodState
from vods.services import settings, vods, watching


def test_settings_have_defaults_until_they_are_changed(channel: Channel) -> None:
    assert settings.settings_of(channel.pk).archives
    settings.change_settings(channel=channel, dvr=False, keep_broadcasts=False)
    assert not settings.settings_of(channel.pk).archives
    settings.change_settings(channel=channel, retention_days=30)
    assert settings.settings_of(channel.pk).retention_days == 30
    with pytest.raises(BadRange):
        settings.change_settings(channel=channel, retention_days=0)
    with pytest.raises(TypeError):
        settings.change_settings(channel=channel, quota=1)


def test_a_vod_is_renamed_and_hidden(vod: Vod) -> None:
    vods.edit_vod(vod_id=vod.pk, title="Finale", visibility=Visibility.PRIVATE)
    vod.refresh_from_db()
    assert vod.headline == "Finale"
    assert not Vod.objects.listed().exists()
    with pytest.raises(BadText):
        vods.edit_vod(vod_id=vod.pk, title="x" * 141)


def test_chapters_are_replaced_whole(vod: Vod) -> None:
    vods.set_chapters(vod_id=vod.pk, chapters=[(0, "Start"), (30_000, "Boss ")])
    vods.set_chapters(vod_id=vod.pk, chapters=[(10_000, "Boss")])
    assert [(chapter.at_ms, chapter.title) for chapter in vod.chapters.all()] == [(10_000, "Boss")]
    for wrong in ([(60_000, "late")], [(0, "a"), (0, "b")], [(0, " ")]):
        with pytest.raises(BadText):
            vods.set_chapters(vod_id=vod.pk, chapters=wrong)


def test_a_deleted_vod_is_gone_for_everybody_and_its_media_is_asked_to_go(
    vod: Vod, bus_url: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Vod.objects.update(state=VodState.READY)
    with django_capture_on_commit_callbacks(execute=True):
        vods.delete_vod(vod_id=vod.pk)
    assert not Vod.objects.existing().exists()
    (entry,) = on_air.bus().run(events.read_events(b"0-0", block_ms=1))
    assert entry[1] == events.WorkWanted(workflow="delete-vod", subject=str(vod.pk))
    with pytest.raises(UnknownVod):
        vods.delete_vod(vod_id=vod.pk)
    with pytest.raises(UnknownVod):
        vods.edit_vod(vod_id=vod.pk, title="back")


def test_what_is_being_recorded_is_not_deleted(broadcast: Broadcast) -> None:
    recording = Vod.objects.create(channel=broadcast.channel, broadcast=broadcast, recorded_at=NOW)
    with pytest.raises(NotReady):
        vods.delete_vod(vod_id=recording.pk)


def test_that_a_vod_is_watched_is_written_down_now_and_then(vod: Vod) -> None:
    def watched(minutes: int, *, new: bool = False) -> tuple[int, int]:
        """Views, and when it was watched as far as the row knows."""
        vods.count_view(vod_id=vod.pk, new=new, now=NOW + timedelta(minutes=minutes))
        vod.refresh_from_db()
        assert vod.watched_at is not None
        return vod.views, (vod.watched_at - NOW) // timedelta(minutes=1)

    assert watched(0) == (0, 0)
    assert watched(1) == (0, 0)
    assert watched(2, new=True) == (1, 2)
    assert watched(11) == (1, 2)
    assert watched(13) == (1, 13)


def test_a_position_is_kept_for_every_device(vod: Vod) -> None:
    user = vod.channel.user
    assert watching.remember_position(user=user, vod_id=vod.pk, at_ms=5_000, now=NOW)
    assert watching.remember_position(user=user, vod_id=vod.pk, at_ms=4_000, now=NOW + timedelta(seconds=1))
    assert [position.at_ms for position in user.watch_positions.all()] == [4_000]
    assert not watching.remember_position(user=user, vod_id=vod.pk, at_ms=60_001, now=NOW)
    watching.forget_position(user=user, vod_id=vod.pk)
    assert not user.watch_positions.exists()


def test_of_many_positions_the_oldest_go(vod: Vod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_POSITIONS", 1)
    user = vod.channel.user
    cut = vods.make_highlight(vod_id=vod.pk, from_ms=0, to_ms=9_000, title="", now=NOW)
    Vod.objects.filter(pk=cut.pk).update(state=VodState.READY, ready_at=NOW, target_duration=2, duration_ms=9_000)
    for minute, pk in enumerate((vod.pk, cut.pk)):
        assert watching.remember_position(user=user, vod_id=pk, at_ms=5_000, now=NOW + timedelta(minutes=minute))
    assert [position.vod_id for position in user.watch_positions.all()] == [cut.pk]
