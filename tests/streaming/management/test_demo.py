from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from streaming import services
from streaming.errors import LoginTaken
from streaming.ffmpeg.errors import FfmpegError
from streaming.management.commands.demo import demo_channel, told
from streaming.models import Channel

pytestmark = pytest.mark.django_db


def test_without_an_ingest_it_says_what_to_start(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        settings.RTMP_PORT = taken.getsockname()[1]
        with pytest.raises(CommandError, match="start `make run` first"):
            call_command("demo")


def test_each_run_takes_the_same_channel_with_another_key() -> None:
    channel, first = demo_channel()
    again, second = demo_channel()
    assert (channel.login, again) == ("demo", channel)
    assert first != second
    assert services.find_stream_key(key=second).channel == channel


def test_a_persons_channel_is_left_alone(make_channel: Callable[[str], Channel]) -> None:
    channel = make_channel("demo")
    key, _ = services.issue_key(channel_id=channel.pk, now=timezone.now())
    with pytest.raises(LoginTaken, match="belongs to a person"):
        demo_channel()
    key.refresh_from_db()
    assert key.revoked_at is None


def test_nobody_signs_in_as_the_demo() -> None:
    channel, _ = demo_channel()
    assert not channel.user.has_usable_password()


def test_its_page_is_there_though_its_name_is_reserved(client: Client) -> None:
    channel, _ = demo_channel()
    assert client.get(f"/{channel.login}").status_code == 200


def test_what_ffmpeg_says_is_told_without_the_key() -> None:
    failure = FfmpegError(["ffmpeg"], 1, "rtmp://127.0.0.1/live/live_secret: refused\nmore\n")
    assert told(failure, "live_secret") == "rtmp://127.0.0.1/live/…: refused"
