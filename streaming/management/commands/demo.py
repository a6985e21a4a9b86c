"""`manage.py demo`: a channel that is live without OBS, while `make run` runs."""

from __future__ import annotations

import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, transaction
from django.utils import timezone

from streaming import services
from streaming.errors import LoginTaken
from streaming.ffmpeg.demo_picture import demo_command
from streaming.ffmpeg.errors import FfmpegError
from streaming.ffmpeg.process import FfmpegProcess
from streaming.models import Channel

LOGIN = "demo"
CONNECT_SECONDS = 2.0
LOOPBACKS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where all addresses are served


class Command(BaseCommand):
    help = "Broadcasts a moving test picture with a clock on the channel `demo` until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        host = LOOPBACKS.get(settings.RTMP_HOST, settings.RTMP_HOST)
        try:
            socket.create_connection((host, settings.RTMP_PORT), CONNECT_SECONDS).close()
            channel, key = demo_channel()
        except LoginTaken as error:
            raise CommandError(str(error)) from error
        except (OSError, OperationalError) as error:
            raise CommandError(
                f"Nothing takes broadcasts on port {settings.RTMP_PORT}: start `make run` first, in another terminal."
            ) from error
        url = f"rtmp://{f'[{host}]' if ':' in host else host}:{settings.RTMP_PORT}/live/{key}"
        now = timezone.now().astimezone()  # as the viewer's own clock shows it
        seconds_of_day = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        argv = demo_command(settings.FFMPEG, url, seconds_of_day=seconds_of_day)
        process = FfmpegProcess(lambda _outputs: argv, outputs=0)
        self.stdout.write(f"Live at {settings.PUBLIC_URL}{channel.get_absolute_url()} until Ctrl-C.")
        try:
            process.pump(lambda _index, _data: None)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
            return
        finally:
            # Others on this machine may have read it in ffmpeg's arguments.
            services.revoke_key(channel_id=channel.pk, now=timezone.now())
        raise CommandError(f"The broadcast ended: {told(process.failure(), key)}")


@transaction.atomic
def demo_channel() -> tuple[Channel, str]:
    """The demo's channel, made at its first run, with a new stream key: the old one can't be read again.

    Raises LoginTaken.
    """
    now = timezone.now()
    channel = services.house_channel(login=LOGIN, now=now)
    services.set_stream_info(channel_id=channel.pk, title="A moving test picture", tags=["demo"])
    return channel, services.issue_key(channel_id=channel.pk, now=now)[1]


def told(failure: FfmpegError, key: str) -> str:
    """What ffmpeg said, without the stream key it may have quoted."""
    lines = failure.stderr_tail.replace(key, "…").strip().splitlines()
    return lines[0] if lines else str(failure)
