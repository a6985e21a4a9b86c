"""VODs and clips in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.vods.conftest import NOW
from vods.models import Asset, AssetKind, Clip, ClipState, StorageDay, Tier, Visibility, Vod, VodState
from vods.services.settings import change_settings, settings_of


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("house_of"), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def clip(vod: Vod) -> Clip:
    return Clip.objects.create(channel=vod.channel, vod=vod, title="There", from_ms=0, to_ms=5_000, created_at=NOW)


def act(client: Client, model: str, action: str, pk: object) -> None:
    answer = client.post(f"/admin/vods/{model}/", {"action": action, "_selected_action": [str(pk)]})
    assert answer.status_code == 302


def test_every_list_and_row_is_shown(staff: Client, vod: Vod, clip: Clip) -> None:
    asset = Asset.objects.create(vod=vod, kind=AssetKind.MP4, state="failed", error="Invalid data found")
    settings = change_settings(channel=vod.channel, dvr=False)
    day = StorageDay.objects.create(channel=vod.channel, day=NOW, tier=Tier.COLD, size=2**30, cost=1)
    rows = {"vod": vod, "clip": clip, "asset": asset, "vodsettings": settings, "storageday": day}
    for model, row in rows.items():
        assert staff.get(f"/admin/vods/{model}/").status_code == 200
        assert staff.get(f"/admin/vods/{model}/{row.pk}/change/").status_code == 200
    assert "Invalid data found" in staff.get(f"/admin/vods/vod/{vod.pk}/change/").content.decode()


def test_a_vod_is_hidden_and_deleted(staff: Client, vod: Vod) -> None:
    act(staff, "vod", "make_private", vod.pk)
    assert Vod.objects.get().visibility == Visibility.PRIVATE
    act(staff, "vod", "delete_for_good", vod.pk)
    assert Vod.objects.get().state == VodState.DELETING
    act(staff, "vod", "make_private", vod.pk)  # says that there is no such video


def test_a_vod_is_moved_to_another_tier_once(staff: Client, vod: Vod) -> None:
    for _ in range(2):
        act(staff, "vod", "move_to_cold", vod.pk)
        assert Vod.objects.get().moving_to == Tier.COLD
    listed = staff.get("/admin/vods/vod/?tier__exact=hot").content.decode()
    assert "1 on the way to cold storage." in listed
    assert "It is on a move, lies there already, or does not play." in listed


def test_a_clip_is_deleted(staff: Client, clip: Clip) -> None:
    act(staff, "clip", "delete_for_good", clip.pk)
    assert Clip.objects.get().state == ClipState.DELETING


def test_the_house_sets_a_quota_and_nothing_else(staff: Client, vod: Vod) -> None:
    change_settings(channel=vod.channel, dvr=False)
    answer = staff.post(f"/admin/vods/vodsettings/{vod.channel_id}/change/", {"quota": "1000", "dvr": "on"})
    assert answer.status_code == 302
    settings = settings_of(vod.channel_id)
    assert (settings.quota, settings.dvr) == (1000, False)


def test_who_may_only_look_can_t_act(vod: Vod) -> None:
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_vod"))
    client = Client()
    client.force_login(helper, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/admin/vods/vod/", {"action": "delete_for_good", "_selected_action": [str(vod.pk)]})
    assert Vod.objects.get().state == VodState.READY
