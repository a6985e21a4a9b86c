"""The settings page and its API tokens."""

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from accounts.services import find_user_by_api_token, issue_api_token
from streaming.models import Channel
from tests.streaming.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client, channel: Channel) -> Client:
    """Alice's browser."""
    client.force_login(channel.user)
    return client


def test_settings_need_a_sign_in(client: Client, db: None) -> None:
    assert client.get("/settings").status_code == 302
    assert client.post("/settings/tokens").status_code == 302


def test_a_new_token_is_shown_once_and_works(alice: Client, channel: Channel) -> None:
    response = alice.post("/settings/tokens", {"name": "deck"})
    shown = response.context["new_token"]
    assert shown in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert find_user_by_api_token(text=shown, now=NOW) == channel.user
    page = alice.get("/settings").content.decode()
    assert "deck" in page
    assert shown not in page


def test_a_token_needs_a_name(alice: Client) -> None:
    assert alice.post("/settings/tokens", {"name": ""}).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked(alice: Client, channel: Channel) -> None:
    token, text = issue_api_token(user=channel.user, name="deck", now=NOW)
    assert alice.post(f"/settings/tokens/{token.pk}/revoke")["Location"] == "/settings"
    assert find_user_by_api_token(text=text, now=NOW) is None


def test_nobody_revokes_anothers_token(alice: Client) -> None:
    mallory = User.objects.create_user("mallory")
    token, text = issue_api_token(user=mallory, name="hers", now=NOW)
    alice.post(f"/settings/tokens/{token.pk}/revoke")
    assert find_user_by_api_token(text=text, now=NOW) == mallory
