"""`manage.py create_streamer LOGIN`: a channel that can go live, from the shell."""

from __future__ import annotations

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from streaming import services
from streaming.models import Channel


class Command(BaseCommand):
    """Prints one line of JSON: login, password, stream_key, rtmp_url, watch_url."""

    help = (
        "Make a user with a channel and a stream key, and print them as one line of JSON. For a login that exists, "
        "its stream key is replaced and its password stays: it can't be shown again, so `password` is null."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("login")

    def handle(self, *_args: Any, login: str, **_options: Any) -> None:
        now = timezone.now()
        password = None
        with transaction.atomic():
            channel = Channel.objects.with_login(login).first()
            if channel is None:
                password = secrets.token_urlsafe(16)
                try:
                    channel = services.create_streamer(login=login, password=password, now=now)
                except ValidationError as error:
                    raise CommandError(" ".join(error.messages)) from error
            _, stream_key = services.issue_key(channel_id=channel.pk, now=now)
        self.stdout.write(
            json.dumps(
                {
                    "login": channel.login,
                    "password": password,
                    "stream_key": stream_key,
                    "rtmp_url": settings.RTMP_URL,
                    "watch_url": settings.PUBLIC_URL + channel.get_absolute_url(),
                }
            )
        )
