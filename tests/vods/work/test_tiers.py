"""VODs go from tier to tier and come back when somebody asks, by the steps that do it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings as conf
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from streaming import services
from streaming.models import Channel
from tests.streaming.packed import Packed
from tests.vods.conftest import NOW, ColdBucket
from tests.vods.killer import Killer
from tests.vods.onair import House, stored
from tests.vods.recorded import add_asset, add_poster, packed_clip, record
from tests.workers.ledger.conftest import later
from vods.errors import NotReady, TooMany, UnknownVod
from vods.models import AssetKind, Clip, ColdEnd, Recall, StorageDay, Tier, Visibility, Vod, VodState
from vods.services import tiers
from vods.services.clips import make_clip
from vods.services.settings import change_settings
from vods.services.vods import choose_poster, count_view, delete_vod, make_highlight
from vods.steps import Hopeless, Job
from vods.storage import ObjectAway, S3Media, media
from vods.wanted import WorkflowKind
from vods.work.keeping import apply_retention, keeping_of, record_costs
from vods.work.recall import tell
from vods.work.tiers import MOST_LOOKS, apply_tiers, media_keys, move_died, move_media
from vods.workflows import asked_for
from workers.models import Step, StepState, Workflow, WorkflowState

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_clip(tmp_path_factory.mktemp("clip"), seconds=9)


@pytest.fixture
def channel(transactional_db: None) -> Channel:
    return services.create_channel(user=User.objects.create_user("alice", "alice@example.org"), now=NOW)


@pytest.fixture
def vod(house: House, channel: Channel, packed: Packed) -> Vod:
    return filled(channel, packed)


@pytest.fixture
def cold_vod(house: House, cold_bucket: ColdBucket, channel: Channel, packed: Packed) -> Vod:
    """One that lies in GLACIER."""
    vod = filled(channel, packed)
    move(vod, Tier.COLD)
    house.sweep()
    vod.refresh_from_db()
    assert vod.tier == Tier.COLD
    return vod


def filled(channel: Channel, packed: Packed) -> Vod:
    vod = record(channel, packed, began=timezone.now())
    add_poster(vod)
    add_asset(vod, AssetKind.MP4, "video-0.mp4", b"a film")
    return vod


@pytest.fixture
def bob(transactional_db: None) -> User:
    return User.objects.create_user("bobby", "bobby@example.org")


def day() -> None:
    with transaction.atomic():
        apply_tiers(Job(keeping_of(timezone.now().date()))).write()


def idle(vod: Vod, days: int) -> None:
    Vod.objects.filter(pk=vod.pk).update(ready_at=timezone.now() - days * DAY)


def move(vod: Vod, to: Tier) -> None:
    tiers.move_vod(vod_id=vod.pk, to=to, now=timezone.now())


def ask(vod: Vod, by: User) -> bool:
    return tiers.ask_back(vod_id=vod.pk, by=by, now=timezone.now())


def time_passes(house: House) -> None:
    """Until nothing is left to do."""
    for _ in range(20):
        house.sweep()
        if not Workflow.objects.filter(state=WorkflowState.RUNNING).exists() and not Recall.objects.exists():
            return
        later(700)


def objects(vod: Vod) -> dict[str, bytes]:
    return {key: media().read(key) for key in media_keys(vod)}


def tier_of(vod: Vod) -> str:
    vod.refresh_from_db()
    return vod.tier


def test_what_nobody_watches_moves_down_day_by_day_with_every_byte(vod: Vod, house: House, storage: Path) -> None:
    before = objects(vod)
    assert len(before) > 4
    for days, tier in ((31, Tier.WARM), (91, Tier.COLD), (366, Tier.ARCHIVE)):
        idle(vod, days)
        day()
        house.sweep()
        assert tier_of(vod) == tier
        assert vod.move is None
        assert objects(vod) == before
        there = stored(storage / tier.value)
        assert there == before
        assert sorted(path for path in stored(storage) if not path.startswith(tier.value)) == [
            f"{vod.prefix}poster.jpg"
        ]


def test_on_a_bucket_its_class_says_where_it_lies(
    house: House, in_bucket: S3Media, channel: Channel, packed: Packed
) -> None:
    vod = filled(channel, packed)
    before = objects(vod)
    idle(vod, 40)
    day()
    house.sweep()
    assert tier_of(vod) == Tier.WARM
    assert objects(vod) == before
    listed = in_bucket.connection.meta.client.list_objects_v2(Bucket=in_bucket.bucket.name, Prefix=vod.prefix)
    classes = {one["Key"]: one["StorageClass"] for one in listed["Contents"]}
    assert {classes.pop(key) for key in before} == {"STANDARD_IA"}
    assert set(classes.values()) == {"STANDARD"}


def test_a_house_may_want_no_tiers(vod: Vod, settings: Any) -> None:
    settings.TIERS = False
    idle(vod, 1_000)
    day()
    assert Vod.objects.get().move is None
    move(vod, Tier.COLD)
    Vod.objects.update(moving_since=None)
    day()
    assert Vod.objects.get().moving_since, "what staff has moved goes on"


def test_what_something_is_made_of_stays(vod: Vod, bob: User) -> None:
    make_clip(vod_id=vod.pk, by=bob, from_ms=0, to_ms=5_000, title="There", now=timezone.now())
    idle(vod, 1_000)
    day()
    assert Vod.objects.get().move is None


def test_killed_after_every_object_it_goes_on(vod: Vod, house: House, storage: Path, killer: Killer) -> None:
    before = objects(vod)
    points = ["moved1", "moved2", "moved3", "worked", "done"]

    def kill(step: Step) -> None:
        while step.work == "move" and points:
            killer(step, points.pop(0))
            assert objects(vod) == before
            later(60)

    house.before = kill
    move(vod, Tier.WARM)
    house.sweep()
    assert points == []
    assert tier_of(vod) == Tier.WARM
    assert objects(vod) == before
    assert stored(storage / "warm") == before
    assert Step.objects.get(work="move").attempts == 5


def test_viewers_bring_it_up_and_time_takes_their_weight(vod: Vod, house: House) -> None:
    move(vod, Tier.WARM)
    house.sweep()
    now = timezone.now()
    for _ in range(12):
        count_view(vod_id=vod.pk, new=True, now=now - 7 * DAY)
    day()
    assert Vod.objects.get().move is None, "of twelve viewers a week ago six are left"
    for _ in range(5):
        count_view(vod_id=vod.pk, new=True, now=now)
    assert Vod.objects.get().heat == pytest.approx(11)
    day()
    house.sweep()
    assert tier_of(vod) == Tier.HOT
    assert vod.views == 17


def test_what_is_cold_comes_back_for_who_asks(cold_vod: Vod, house: House, channel: Channel, bob: User) -> None:
    for key in media_keys(cold_vod):
        with pytest.raises(ObjectAway):
            media().read(key)
    for _ in range(2):
        assert ask(cold_vod, bob)
    assert ask(cold_vod, channel.user)
    house.sweep()
    assert tier_of(cold_vod) == Tier.COLD
    assert Vod.objects.coming().get() == cold_vod
    assert WorkflowKind.MOVE not in dict(asked_for(now=timezone.now())), "it waits for storage, and others' turn comes"
    assert mail.outbox == []
    time_passes(house)
    assert tier_of(cold_vod) == Tier.WARM
    assert cold_vod.recalled_at is None
    looks = Step.objects.filter(work="move", name__startswith="look").count()
    assert looks > 1, "some have come at each look"
    assert all(objects(cold_vod).values())
    assert sorted(letter.to[0] for letter in mail.outbox) == ["alice@example.org", "bobby@example.org"]
    assert f"/videos/{cold_vod.pk}" in mail.outbox[0].body
    assert not Recall.objects.exists()
    house.sweep()
    assert len(mail.outbox) == 2
    assert ask(cold_vod, bob) is False
    idle(cold_vod, 200)
    day()
    assert Vod.objects.get().move is None, "it was wanted a moment ago"


def test_a_letter_that_is_sent_twice_has_one_id(vod: Vod, bob: User) -> None:
    """Whose worker died when the letter was out."""
    move(vod, Tier.COLD)
    ask(vod, bob)
    recall = Recall.objects.get()
    tell(Job(recall.pk))
    for _ in range(2):
        tell(Job(recall.pk)).write()
    assert [letter.extra_headers for letter in mail.outbox] == [{"Message-ID": f"<{recall.pk}@{conf.PUBLIC_HOST}>"}] * 2


def test_who_may_not_watch_any_more_is_not_told(cold_vod: Vod, house: House, bob: User) -> None:
    ask(cold_vod, bob)
    Vod.objects.update(visibility=Visibility.PRIVATE)
    time_passes(house)
    assert tier_of(cold_vod) == Tier.WARM
    assert mail.outbox == []
    assert not Recall.objects.exists()


def test_who_asks_while_it_goes_down_has_it_turn_round(vod: Vod, house: House, bob: User) -> None:
    move(vod, Tier.COLD)
    vod.refresh_from_db()
    assert not vod.at_hand
    assert ask(vod, bob)
    assert Vod.objects.get().moving_to == Tier.COLD
    time_passes(house)
    assert tier_of(vod) == Tier.WARM
    assert [letter.to for letter in mail.outbox] == [["bobby@example.org"]]


def test_asking_is_bounded(cold_vod: Vod, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = User.objects.create_user("carol")
    Vod.objects.update(visibility=Visibility.PRIVATE)
    with pytest.raises(UnknownVod):
        ask(cold_vod, bob)
    Vod.objects.update(visibility=Visibility.PUBLIC)
    for bound in ("MOST_COMING", "MOST_ASKED", "MOST_WAITING"):
        with monkeypatch.context() as tight:
            tight.setattr(tiers, bound, 0)
            with pytest.raises(TooMany):
                ask(cold_vod, stranger)
    assert not Recall.objects.exists()
    assert Vod.objects.get().move is None


def test_nothing_is_cut_of_what_is_cold(cold_vod: Vod, bob: User) -> None:
    now = timezone.now()
    with pytest.raises(NotReady, match="cold storage"):
        make_clip(vod_id=cold_vod.pk, by=bob, from_ms=0, to_ms=5_000, title="There", now=now)
    with pytest.raises(NotReady, match="cold storage"):
        make_highlight(vod_id=cold_vod.pk, from_ms=0, to_ms=5_000, title="", now=now)
    with pytest.raises(NotReady, match="cold storage"):
        choose_poster(vod_id=cold_vod.pk, at_ms=0, now=now)


def test_what_is_deleted_on_the_way_is_gone(cold_vod: Vod, house: House, bob: User) -> None:
    ask(cold_vod, bob)
    house.sweep()
    delete_vod(vod_id=cold_vod.pk)
    time_passes(house)
    assert Vod.objects.get().state == VodState.DELETED
    assert list(cast("S3Media", media()).bucket.objects.all()) == []
    assert not Recall.objects.exists()
    assert mail.outbox == []
    assert not Step.objects.exclude(state=StepState.DONE).exists()


def test_a_move_ends_when_its_vod_is_deleted_meanwhile(
    house: House, cold_bucket: ColdBucket, channel: Channel, packed: Packed
) -> None:
    vod = filled(channel, packed)
    move(vod, Tier.WARM)
    begun = Vod.objects.get().move
    assert begun is not None

    def delete() -> None:
        Vod.objects.update(state=VodState.DELETING)

    move_media(Job(begun, {"looks": 0}, check=delete)).write()
    bucket = cast("S3Media", media()).bucket
    assert [one.storage_class for one in bucket.objects.all()].count("STANDARD_IA") == 1
    assert tier_of(vod) == Tier.HOT


@pytest.mark.parametrize("tier", [Tier.WARM, Tier.COLD])
def test_what_is_deleted_is_gone_from_its_tier(vod: Vod, house: House, storage: Path, tier: Tier) -> None:
    move(vod, tier)
    house.sweep()
    delete_vod(vod_id=vod.pk)
    time_passes(house)
    assert stored(storage) == {}


def test_what_does_not_come_back_is_given_up_and_asked_for_anew(cold_vod: Vod, bob: User) -> None:
    ask(cold_vod, bob)
    first = Vod.objects.get().move
    assert first is not None
    with pytest.raises(Hopeless):
        move_media(Job(first, {"looks": MOST_LOOKS}))
    move_died(first, {}, "It did not come back.")
    day()
    assert Vod.objects.get().move not in (None, first)
    left = move_media(Job(first, {"looks": 1}))
    left.write()
    assert left.then == ()
    assert tier_of(cold_vod) == Tier.COLD


def test_costs_are_written_down_each_day(vod: Vod, house: House, channel: Channel, bob: User, settings: Any) -> None:
    settings.TIER_PRICES = {"hot": Decimal(2**20), "warm": Decimal(2**10), "cold": Decimal(1), "archive": Decimal(0)}
    move(vod, Tier.WARM)
    house.sweep()
    Vod.objects.update(size=10_000)
    vod.assets.of_kind(AssetKind.POSTER).update(size=1_000)
    Clip.objects.create(channel=channel, title="There", from_ms=0, to_ms=5_000, created_at=NOW, size=500)
    for _ in range(2):
        record_costs(Job(keeping_of(timezone.now().date()))).write()
    kept = {(one.tier, one.size, one.cost) for one in StorageDay.objects.filter(day=timezone.now().date())}
    assert kept == {
        ("hot", 1_500, Decimal("1.464844")),
        ("warm", 9_000, Decimal("0.008583")),
    }


def test_what_is_at_its_end_is_deleted_after_a_warning_where_its_channel_says_so(
    vod: Vod, house: House, channel: Channel
) -> None:
    change_settings(channel=channel, cold_end=ColdEnd.DELETE)
    idle(vod, 359)
    with transaction.atomic():
        apply_retention(Job(keeping_of(timezone.now().date()))).write()
    vod.refresh_from_db()
    assert vod.expires_at is not None
    assert vod.expires_at >= timezone.now() + 6 * DAY
    idle(vod, 400)
    day()
    house.sweep()
    assert tier_of(vod) == Tier.COLD
    Vod.objects.update(expires_at=timezone.now())
    with transaction.atomic():
        apply_retention(Job(keeping_of(timezone.now().date()))).write()
    assert Vod.objects.get().state == VodState.DELETING


def test_whoever_watches_it_in_time_keeps_it(vod: Vod, channel: Channel) -> None:
    change_settings(channel=channel, cold_end=ColdEnd.DELETE)
    idle(vod, 359)
    for _ in range(2):
        with transaction.atomic():
            apply_retention(Job(keeping_of(timezone.now().date()))).write()
        count_view(vod_id=vod.pk, new=True, now=timezone.now())
    assert Vod.objects.get().expires_at is None
