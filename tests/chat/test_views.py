"""Chat's own pages, through Django's client."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.models import User
from chat.models import BlockedTerm, Emote, Follow, ModAction, Room
from chat.services import roles
from streaming.models import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("state_server")]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def page(channel: Channel) -> str:
    return f"/chat/{channel.login}/moderation"


def picture() -> SimpleUploadedFile:
    data = io.BytesIO()
    Image.new("RGB", (64, 64), (255, 0, 0)).save(data, "PNG")
    return SimpleUploadedFile("evil.svg", data.getvalue(), content_type="image/svg+xml")


@pytest.mark.parametrize("address", ["/popout/{}/chat", "/overlay/{}/chat"])
def test_windows_of_their_own(channel: Channel, address: str) -> None:
    answer = Client().get(address.format(channel.login))
    assert answer.status_code == 200
    assert f'data-login="{channel.login}"' in answer.text
    assert Client().get(address.format("nobody_here")).status_code == 404


def test_settings_are_for_those_who_moderate(
    channel: Channel, alice: User, bobby: User, carol: User, page: str
) -> None:
    assert Client().get(page).status_code == 302
    assert signed_in(bobby).get(page).status_code == 403
    roles.set_moderator(channel=channel, by=alice, target=carol, granted=True, now=timezone.now())
    assert signed_in(carol).get(page).status_code == 200
    assert "Add the emote" not in signed_in(carol).get(page).text
    assert "Add the emote" in signed_in(alice).get(page).text


def test_modes_are_saved_and_noted(channel: Channel, alice: User, page: str) -> None:
    client = signed_in(alice)
    answer = client.post(page, {"slow_seconds": 30, "emote_only": "on", "spam_filter": "on"})
    assert answer.status_code == 302
    room = Room.objects.get(channel=channel)
    assert (room.slow_seconds, room.emote_only, room.links_allowed) == (30, True, False)
    assert ModAction.objects.get().facts == {"slow_seconds": 30, "emote_only": True, "links_allowed": False}
    answer = client.post(page, {"slow_seconds": 2})
    assert answer.status_code == 422
    assert "3 to 120" in answer.text


def test_words_are_blocked_and_allowed_again(channel: Channel, alice: User, page: str) -> None:
    client = signed_in(alice)
    assert client.post(f"{page}/terms", {"term": "foo*"}).status_code == 302
    assert client.post(f"{page}/terms", {"term": "FOO*"}).status_code == 422
    term = BlockedTerm.objects.get()
    assert "foo*" in client.get(page).text
    assert client.post(f"{page}/terms/{term.pk}/remove").status_code == 302
    assert not BlockedTerm.objects.exists()


def test_an_emote_is_uploaded_shown_and_removed(
    channel: Channel, alice: User, bobby: User, page: str, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    upload = {"name": "aliceHi", "picture": picture()}
    assert signed_in(bobby).post(f"{page}/emotes", upload).status_code == 403
    client = signed_in(alice)
    assert client.post(f"{page}/emotes", {"name": "aliceHi", "picture": picture()}).status_code == 302
    emote = Emote.objects.get()
    shown = Client().get(f"/chat/emotes/{emote.pk}.webp")
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    kept = b"".join(shown)
    assert kept[:4] == b"RIFF"
    names = [one["name"] for one in Client().get(f"/chat/{channel.login}/emotes").json()["emotes"]]
    assert names[-1] == "aliceHi"
    bad = SimpleUploadedFile("x.png", b"<svg onload=alert(1)>", content_type="image/png")
    answer = client.post(f"{page}/emotes", {"name": "aliceBad", "picture": bad})
    assert answer.status_code == 422
    assert "This is no PNG" in answer.text
    assert client.post(f"{page}/emotes/{emote.pk}/remove").status_code == 302
    names = [one["name"] for one in Client().get(f"/chat/{channel.login}/emotes").json()["emotes"]]
    assert "aliceHi" not in names
    # What was said with it keeps its picture.
    assert b"".join(Client().get(f"/chat/emotes/{emote.pk}.webp")) == kept


def test_following_by_the_button(channel: Channel, alice: User, bobby: User) -> None:
    client, address = signed_in(bobby), f"/chat/{channel.login}/follow"
    assert client.get(address).status_code == 405
    client.post(address, {"follow": "1"})
    assert Follow.objects.get().user == bobby
    assert "Following" in client.get(f"/{channel.login}").text
    client.post(address, {"follow": "0"})
    assert not Follow.objects.exists()
    assert signed_in(alice).post(address, {"follow": "1"}).status_code == 404


def test_following_leads_back_to_where_one_was_and_nowhere_else(channel: Channel, bobby: User) -> None:
    client, address = signed_in(bobby), f"/chat/{channel.login}/follow"
    assert client.post(address, {"follow": "1", "next": "/videos/x?t=5"}).headers["Location"] == "/videos/x?t=5"
    for foreign in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        assert client.post(address, {"follow": "1", "next": foreign}).headers["Location"] == f"/{channel.login}"


def test_a_stranger_signs_in_to_follow_and_is_back_on_the_page(channel: Channel) -> None:
    assert f'href="/accounts/login/?next=/{channel.login}"' in Client().get(f"/{channel.login}").text
