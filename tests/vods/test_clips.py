"""Who may clip what, and the very pictures that a clip shows."""

from __future__ import annotations

import io
from datetime import timedelta
from fractions import Fraction
from typing import Any

import av
import pytest
from PIL import Image

from accounts.models import User
from chat.services import moderation, roles
from streaming.models import Channel
from tests.streaming.packed import Packed
from tests.vods.conftest import NOW
from tests.vods.recorded import packed_clip, record
from vods.errors import BadRange, BadText, MayNot, NotReady, TooMany, UnknownClip, UnknownVod, VodError
from vods.models import Clip, Clippers, ClipState, Visibility, Vod, VodState
from vods.services import clips
from vods.services.settings import change_settings
from vods.steps import Hopeless, Job
from vods.storage import media
from vods.wanted import WorkflowKind
from vods.work.clip import NotArchived
from vods.workflows import FIRST_STEPS, WORKS, asked_for


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_clip(tmp_path_factory.mktemp("clip"), seconds=16)


@pytest.fixture
def vod(channel: Channel, packed: Packed) -> Vod:
    return record(channel, packed)


@pytest.fixture
def viewer(vod: Vod) -> User:
    return User.objects.create_user("viewer")


def made(vod: Vod, by: User, **changes: Any) -> Clip:
    asked: dict[str, Any] = {"from_ms": 3_500, "to_ms": 9_200, "title": "The save", "now": NOW}
    return clips.make_clip(vod_id=vod.pk, by=by, **{**asked, **changes})


def carry_out(kind: WorkflowKind, clip: Clip) -> None:
    for step in FIRST_STEPS[kind](clip.pk):
        WORKS[step.work].do(Job(clip.pk)).write()


def shown(movie: bytes, kind: str) -> list[Fraction]:
    """When each frame is shown, as a player does: what lies before the beginning is decoded, and not shown."""
    with av.open(io.BytesIO(movie), mode="r") as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        frames = [one for one in container.decode(stream) if isinstance(one, av.VideoFrame | av.AudioFrame)]
    times = [one.pts * one.time_base for one in frames if one.pts is not None and one.time_base is not None]
    return [time for time in times if time >= 0]


def test_a_clip_begins_and_ends_with_the_pictures_asked_for(vod: Vod, viewer: User) -> None:
    clip = made(vod, viewer)
    assert (WorkflowKind.CLIP, clip.pk) in set(asked_for(now=NOW))
    carry_out(WorkflowKind.CLIP, clip)
    clip.refresh_from_db()
    assert clip.state == ClipState.READY
    movie = media().read(clip.key)
    assert len(movie) == clip.size
    pictures, sounds = shown(movie, "video"), shown(movie, "audio")
    assert pictures[0] < Fraction(1, 30)
    assert len(pictures) == 171  # 5.7 s at 30 a second
    assert abs(pictures[-1] + Fraction(1, 30) - Fraction(5_700, 1_000)) <= Fraction(1, 1_000)
    assert sounds[0] < Fraction(1, 20)
    assert abs(sounds[-1] - Fraction(5_700, 1_000)) < Fraction(1, 20)
    with Image.open(io.BytesIO(media().read(clip.poster_key))) as poster:
        assert poster.size == (clip.width, clip.height) == (320, 180)


def test_a_clip_is_removed_with_its_files(vod: Vod, viewer: User) -> None:
    clip = made(vod, viewer)
    carry_out(WorkflowKind.CLIP, clip)
    clip.refresh_from_db()
    clips.delete_clip(clip_id=clip.pk)
    assert not Clip.objects.watchable().exists()
    carry_out(WorkflowKind.DELETE_CLIP, clip)
    assert not Clip.objects.exists()
    with pytest.raises(FileNotFoundError):
        media().read(clip.key)
    with pytest.raises(UnknownClip):
        clips.delete_clip(clip_id=clip.pk)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"from_ms": 0, "to_ms": 4_999}, BadRange),
        ({"from_ms": 0, "to_ms": 60_001}, BadRange),
        ({"from_ms": 10_000, "to_ms": 16_500}, BadRange),
        ({"title": "  "}, BadText),
        ({"title": "x" * 141}, BadText),
    ],
)
def test_what_is_no_clip_is_refused(vod: Vod, viewer: User, changes: dict[str, Any], error: type[VodError]) -> None:
    with pytest.raises(error):
        made(vod, viewer, **changes)


@pytest.mark.parametrize(
    ("clippers", "may"),
    [
        (Clippers.EVERYONE, ["viewer", "follower", "subscriber"]),
        (Clippers.FOLLOWERS, ["follower"]),
        (Clippers.SUBSCRIBERS, ["subscriber"]),
        (Clippers.NOBODY, []),
    ],
)
def test_the_channel_says_who_may(vod: Vod, viewer: User, clippers: Clippers, may: list[str]) -> None:
    channel = vod.channel
    follower, subscriber = User.objects.create_user("follower"), User.objects.create_user("subscriber")
    roles.follow(channel=channel, user=follower, now=NOW)
    roles.grant_subscription(channel=channel, user=subscriber, by=None, now=NOW, until=None)
    banned = User.objects.create_user("banned")
    moderation.ban(channel=channel, by=channel.user, target=banned, now=NOW)
    change_settings(channel=channel, clippers=clippers)
    people = (viewer, follower, subscriber, banned)
    assert [one.username for one in people if clips.may_clip(channel=channel, by=one, now=NOW)] == may
    assert clips.may_clip(channel=channel, by=channel.user, now=NOW)
    with pytest.raises(MayNot):
        made(vod, banned)


def test_what_not_everybody_may_watch_is_not_clipped(vod: Vod, viewer: User) -> None:
    Vod.objects.update(visibility=Visibility.PRIVATE)
    with pytest.raises(UnknownVod):
        made(vod, viewer)
    with pytest.raises(MayNot):
        made(vod, vod.channel.user)


def test_nobody_has_any_number_made_at_once(vod: Vod, viewer: User) -> None:
    for _ in range(clips.MAX_MAKING):
        made(vod, viewer)
    with pytest.raises(TooMany):
        made(vod, viewer)


def test_of_what_is_on_the_end_may_not_be_archived_yet(vod: Vod, viewer: User) -> None:
    Vod.objects.update(state=VodState.RECORDING)
    vod.refresh_from_db()
    live_ms = int((vod.recorded_at + timedelta(seconds=18)).timestamp() * 1000)
    to_ms = clips.position_in(vod, live_ms)
    assert to_ms == 18_000
    clip = made(vod, viewer, from_ms=to_ms - 6_000, to_ms=to_ms)
    with pytest.raises(NotArchived):
        carry_out(WorkflowKind.CLIP, clip)
    early = made(vod, viewer, from_ms=8_000, to_ms=14_000)
    carry_out(WorkflowKind.CLIP, early)
    early.refresh_from_db()
    assert early.state == ClipState.READY
    change_settings(channel=vod.channel, dvr=False)
    with pytest.raises(NotReady):
        made(vod, viewer)


def test_a_video_that_is_gone_leaves_a_clip_that_says_so(vod: Vod, viewer: User) -> None:
    clip = made(vod, viewer)
    Vod.objects.update(state=VodState.DELETING)
    with pytest.raises(Hopeless):
        carry_out(WorkflowKind.CLIP, clip)
    WORKS["clip"].died(clip.pk, {}, "gone")
    clip.refresh_from_db()
    assert (clip.state, clip.error) == (ClipState.FAILED, "gone")
