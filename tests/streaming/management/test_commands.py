"""Channels from the shell."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from streaming import services
from streaming.errors import KeyRevoked
from streaming.models import Channel

pytestmark = pytest.mark.django_db


def create_streamer(login: str) -> Any:
    out = StringIO()
    call_command("create_streamer", login, stdout=out)
    line, end = out.getvalue().split("\n")
    assert end == ""
    return json.loads(line)


def test_create_streamer_prints_what_an_encoder_and_a_person_need(client: Client) -> None:
    made = create_streamer("alice")
    assert list(made) == ["login", "password", "stream_key", "rtmp_url", "watch_url"]
    assert (made["login"], made["rtmp_url"]) == ("alice", "rtmp://localhost:1935/live")
    assert made["watch_url"] == "http://localhost:8000/alice"
    assert services.find_stream_key(key=made["stream_key"]).channel.login == "alice"
    assert client.login(username="alice", password=made["password"])


def test_create_streamer_again_replaces_the_key_and_keeps_the_password(client: Client) -> None:
    first, second = create_streamer("alice"), create_streamer("Alice")
    assert second["password"] is None
    assert client.login(username="alice", password=first["password"])
    assert services.find_stream_key(key=second["stream_key"]).channel.login == "alice"
    with pytest.raises(KeyRevoked):
        services.find_stream_key(key=first["stream_key"])


@pytest.mark.parametrize(("login", "sentence"), [("abc", "small letters"), ("dashboard", "kept for the site")])
def test_create_streamer_says_why_it_refuses(login: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        create_streamer(login)
    assert not Channel.objects.exists()


def test_a_superuser_has_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "pass word 77")
    call_command("createsuperuser", interactive=False, username="bossy", stdout=StringIO())
    assert Channel.objects.get().login == "bossy"
