"""Django's `createsuperuser`, whose users get a channel like all others."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction
from django.utils import timezone

from streaming import services


class Command(createsuperuser.Command):
    """Takes the place of Django's command: the streaming app comes before it in INSTALLED_APPS."""

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        services.create_missing_channels(now=timezone.now())
