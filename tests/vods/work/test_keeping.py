"""Retention and quota, day by day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from streaming.models import Broadcast
from tests.vods.onair import House
from vods.models import Vod, VodState
from vods.services.settings import change_settings, set_quota
from vods.services.vods import edit_vod
from vods.steps import Job
from vods.work.keeping import apply_retention, keeping_of
from workers.models import Workflow, WorkflowState


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


def day() -> None:
    with transaction.atomic():
        apply_retention(Job(keeping_of(timezone.now().date()))).write()


def test_a_streamer_is_told_a_week_before_and_may_keep_it(old: Vod) -> None:
    change_settings(channel=old.channel, retention_days=90)
    day()
    old.refresh_from_db()
    assert old.state == VodState.READY
    assert old.expires_at is not None
    assert old.expires_at > timezone.now() + timedelta(days=6)
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert "Spring" in letter.body
    day()
    assert len(mail.outbox) == 1
    edit_vod(vod_id=old.pk, kept=True)
    Vod.objects.update(expires_at=timezone.now())
    day()
    old.refresh_from_db()
    assert old.state == VodState.READY
    assert old.warned_at is None
    assert old.expires_at is None


def test_after_the_warning_it_goes_with_all_its_media(old: Vod, house: House) -> None:
    set_quota(channel=old.channel, quota=999)
    day()
    Vod.objects.update(expires_at=timezone.now())
    day()
    old.refresh_from_db()
    assert old.state == VodState.DELETING
    house.sweep()
    assert Workflow.objects.get(kind="delete-vod").subject == old.pk


def test_it_is_done_once_a_day(house: House, transactional_db: None) -> None:
    house.sweep()
    house.sweep()
    today = Workflow.objects.get(kind="keeping")
    assert today.subject == keeping_of(timezone.now().date())
    assert today.state == WorkflowState.DONE
