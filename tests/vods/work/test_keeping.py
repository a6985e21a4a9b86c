"""Retention and quota, day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from config.celery import app
from streaming import services
from streaming.bus import events
from streaming.bus.redis import Valkey
from streaming.models import Broadcast
from tests.vods.onair import House
from tests.workers.ledger.conftest import later
from vods.models import Vod, VodKind, VodState
from vods.services.settings import change_settings, set_quota
from vods.services.vods import edit_vod
from vods.wanted import WorkflowKind
from vods.work.keeping import keeping_of
from vods.workflows import asked_for
from workers.models import Workflow, WorkflowState
from workers.tasks import begin_day


@pytest.fixture
def old(live: Broadcast) -> Vod:
    """A VOD of half a year ago."""
    ready_at = timezone.now() - timedelta(days=180)
    live.channel.user.email = "alice@example.org"
    live.channel.user.save()
    return Vod.objects.create(
        channel=live.channel,
        broadcast=live,
        title="Spring",
        recorded_at=ready_at,
        state=VodState.READY,
        ready_at=ready_at,
        target_duration=2,
        size=1_000,
    )


def day(house: House) -> None:
    """The work of a day, of which each has an id of its own."""
    house.bookkeeper.heard(events.WorkWanted(workflow=WorkflowKind.KEEPING.value, subject=str(uuid4())))
    house.run()


def test_a_streamer_is_told_a_week_before_and_may_keep_it(old: Vod, house: House) -> None:
    change_settings(channel=old.channel, retention_days=90)
    day(house)
    old.refresh_from_db()
    assert old.state == VodState.READY
    assert old.expires_at is not None
    assert old.expires_at > timezone.now() + timedelta(days=6)
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert "Spring" in letter.body
    assert f"{old.expires_at:%Y-%m-%d}" in letter.body
    day(house)
    assert len(mail.outbox) == 1
    edit_vod(vod_id=old.pk, kept=True)
    Vod.objects.update(expires_at=timezone.now())
    day(house)
    old.refresh_from_db()
    assert old.state == VodState.READY
    assert old.warned_at is None
    assert old.expires_at is None


def test_after_the_warning_it_goes_with_all_its_media(old: Vod, house: House) -> None:
    set_quota(channel=old.channel, quota=999)
    day(house)
    Vod.objects.update(expires_at=timezone.now())
    day(house)
    old.refresh_from_db()
    assert old.state == VodState.DELETING
    house.sweep()
    assert Workflow.objects.get(kind="delete-vod").subject == old.pk


def test_a_letter_that_can_t_be_sent_is_tried_again_and_keeps_back_no_other(old: Vod, house: House) -> None:
    bob = services.create_channel(user=User.objects.create_user("bobby", "bobby@example.org"), now=timezone.now())
    facts = {"recorded_at": old.recorded_at, "ready_at": old.ready_at, "state": VodState.READY, "target_duration": 2}
    Vod.objects.create(channel=bob, kind=VodKind.HIGHLIGHT, from_ms=0, to_ms=9_000, title="Autumn", **facts)
    for channel in (old.channel, bob):
        change_settings(channel=channel, retention_days=90)
    User.objects.filter(pk=old.channel.user_id).update(email="alice@exam\nple.org")  # as no mail server takes it
    day(house)
    assert [letter.to for letter in mail.outbox] == [["bobby@example.org"]]
    assert list(house.errors()) == [f"warn {old.channel_id}"]
    User.objects.filter(pk=old.channel.user_id).update(email="alice@example.org")
    later(2)
    house.sweep()
    assert [letter.to for letter in mail.outbox] == [["bobby@example.org"], ["alice@example.org"]]
    assert not Workflow.objects.exclude(kind="move").exclude(state=WorkflowState.DONE).exists()


def test_it_is_done_once_a_day(house: House, bus: Valkey, transactional_db: None) -> None:
    """Beat asks for it; who is there to hear it, or finds it out an hour later, begins it."""
    today = keeping_of(timezone.now().date())
    before = bus.run(events.newest_id())
    begin_day()
    ((_, asked),) = bus.run(events.read_events(before, block_ms=100))
    for _ in range(2):
        assert asked is not None
        house.bookkeeper.heard(asked)
        house.run()
    done = Workflow.objects.get(kind="keeping")
    assert (done.subject, done.state) == (today, WorkflowState.DONE)
    assert {step.work for step in done.steps.all()} == {"retention", "warnings", "tiers", "costs"}


@pytest.mark.parametrize(("hour", "begun"), [(3, -1), (4, -1), (5, 0), (23, 0)])
def test_a_day_that_no_beat_began_is_begun_an_hour_later(db: None, hour: int, begun: int) -> None:
    now = datetime(2026, 9, 1, hour, tzinfo=UTC)
    assert (WorkflowKind.KEEPING, keeping_of(now.date() + timedelta(days=begun))) in set(asked_for(now=now))


def test_beat_knows_when_the_day_begins_and_workers_what_that_is() -> None:
    entry = app.conf.beat_schedule["day"]
    assert entry["schedule"].hour == {4}
    assert entry["task"] == begin_day.name
    assert begin_day.name in app.tasks
