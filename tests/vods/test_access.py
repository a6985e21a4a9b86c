"""Who may watch, and which requests for media are answered."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from chat.services import roles
from tests.vods.conftest import NOW
from vods import signing
from vods.access import admits, admits_download, may_watch, media_token, media_url
from vods.models import Visibility, Vod

LATER = NOW + timedelta(seconds=signing.TTL_S + signing.ROUND_S + 1)


def token_of(vod: Vod, now: datetime = NOW) -> str:
    """What somebody else who may watch is given."""
    return media_token(vod, user=AnonymousUser(), now=now)


@pytest.fixture
def viewer(vod: Vod) -> User:
    return User.objects.create_user("viewer")


@pytest.fixture
def follower(vod: Vod) -> User:
    user = User.objects.create_user("follower")
    roles.follow(channel=vod.channel, user=user, now=NOW)
    return user


@pytest.mark.parametrize(
    ("visibility", "watch"),
    [
        (Visibility.PUBLIC, ["nobody", "viewer", "follower"]),
        (Visibility.UNLISTED, ["nobody", "viewer", "follower"]),
        (Visibility.FOLLOWERS, ["follower"]),
        (Visibility.PRIVATE, []),
    ],
)
def test_each_visibility_lets_its_own_people_watch(
    vod: Vod, viewer: User, follower: User, visibility: Visibility, watch: list[str]
) -> None:
    vod.visibility = visibility
    asked: dict[str, User | AnonymousUser] = {"nobody": AnonymousUser(), "viewer": viewer, "follower": follower}
    assert [name for name, user in asked.items() if may_watch(vod=vod, user=user)] == watch
    assert may_watch(vod=vod, user=vod.channel.user)
    assert may_watch(vod=vod, user=User.objects.create_superuser("house_of"))


def test_nobody_watches_a_suspended_channel_but_its_streamer(vod: Vod, viewer: User) -> None:
    vod.channel.suspended = True
    assert not may_watch(vod=vod, user=viewer)
    assert not admits(vod, "", now=NOW)
    assert may_watch(vod=vod, user=vod.channel.user)
    assert admits(vod, media_token(vod, user=vod.channel.user, now=NOW), now=NOW)


@pytest.mark.parametrize("visibility", [Visibility.PUBLIC, Visibility.UNLISTED])
def test_open_media_needs_no_token(vod: Vod, visibility: Visibility) -> None:
    vod.visibility = visibility
    assert media_url(vod, "manifest.m3u8", token_of(vod)) == f"/vods/{vod.pk}/manifest.m3u8"
    assert admits(vod, "", now=NOW)


@pytest.mark.parametrize("visibility", [Visibility.FOLLOWERS, Visibility.PRIVATE])
def test_other_media_is_answered_to_its_token_until_that_expires(vod: Vod, visibility: Visibility) -> None:
    vod.visibility = visibility
    _, _, token = media_url(vod, "manifest.m3u8", token_of(vod)).partition("?token=")
    assert admits(vod, token, now=NOW + timedelta(seconds=signing.TTL_S - 1))
    assert not admits(vod, token, now=LATER)
    assert not admits(vod, "", now=NOW)


def test_a_change_of_visibility_shuts_the_addresses_handed_out_before(vod: Vod) -> None:
    vod.visibility = Visibility.FOLLOWERS
    token = token_of(vod)
    vod.visibility = Visibility.PRIVATE
    assert not admits(vod, token, now=NOW)


def test_a_token_opens_its_own_vod_alone(vod: Vod) -> None:
    other = Vod(channel=vod.channel, visibility=Visibility.PRIVATE)
    vod.visibility = Visibility.PRIVATE
    assert not admits(vod, token_of(other), now=NOW)


def test_within_an_hour_everybody_gets_the_same_address(vod: Vod) -> None:
    vod.visibility = Visibility.PRIVATE
    assert token_of(vod, NOW + timedelta(seconds=1)) == token_of(vod, NOW + timedelta(minutes=59))


@pytest.mark.parametrize("forged", ["", ".", "9", "9.é", "x.y", "99999999999999999999.a", "-1.a", "٣.a"])
def test_what_is_no_token_opens_nothing(vod: Vod, forged: str) -> None:
    vod.visibility = Visibility.PRIVATE
    assert not admits(vod, forged, now=NOW)


def test_a_token_that_was_prolonged_by_its_holder_opens_nothing(vod: Vod) -> None:
    vod.visibility = Visibility.PRIVATE
    expiry, _, mac = token_of(vod).partition(".")
    assert not admits(vod, f"{int(expiry) + 3600}.{mac}", now=NOW)


def test_downloads_are_for_everybody_where_allowed_and_for_the_streamer_always(vod: Vod) -> None:
    vod.visibility = Visibility.FOLLOWERS
    own = media_token(vod, user=vod.channel.user, now=NOW)
    assert admits(vod, own, now=NOW)
    assert admits_download(vod, own, now=NOW)
    assert not admits_download(vod, token_of(vod), now=NOW)
    vod.downloads = True
    assert admits_download(vod, token_of(vod), now=NOW)
