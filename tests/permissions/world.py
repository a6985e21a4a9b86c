"""A channel, and people around it: what the rows of the matrix are asked in."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from PIL import Image

from accounts.models import User
from accounts.services import issue_api_token
from chat.models import BlockedTerm, ModAction, Room
from chat.services import emotes, moderation, roles, settings
from streaming import services
from streaming.models import Category
from vods.models import Clip, ClipState, Vod, VodState

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PEOPLE = ("viewer", "banned", "moderator", "owner")
PASSWORD = "correct horse 9"


@dataclass(frozen=True)
class World:
    """`people` by role; `facts` are what addresses and bodies take, by name."""

    people: dict[str, User | None]
    facts: dict[str, str]

    def client(self, role: str, **options: Any) -> Client:
        client = Client(**options)
        user = self.people[role]
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client


def make_world() -> World:
    """Make it in the database. Logins are new each time: servers remember whose room a login's is."""
    mark = User.objects.count()
    people = {
        role: User.objects.create_user(f"{role}_{mark}", password=PASSWORD)
        for role in ("viewer", "banned", "moderator", "owner")
    }
    staff = User.objects.create_superuser(f"staff_{mark}", password=PASSWORD)
    owner, channel = people["owner"], services.create_channel(user=people["owner"], now=NOW)
    roles.set_moderator(channel=channel, by=owner, target=people["moderator"], granted=True, now=NOW)
    moderation.ban(channel=channel, by=owner, target=people["banned"], now=NOW)
    settings.add_term(channel=channel, by=owner, term="blocked", now=NOW)
    emote = emotes.add_emote(channel=channel, by=owner, name="worldWave", data=picture(), now=NOW)
    room = Room.objects.get(channel=channel)
    held = moderation.hold(channel=channel, user=people["viewer"], text="hm", reason="a word", now=NOW)
    _, key = services.issue_key(channel_id=channel.pk, now=NOW)
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="here", now=NOW, has_room=True)
    token, _ = issue_api_token(user=owner, name="bot", now=NOW)
    # The site's own categories are gone where a test before this one has emptied the database.
    category, _ = Category.objects.get_or_create(slug="talk", defaults={"name": "Talk"})
    vod = Vod.objects.create(
        channel=channel,
        broadcast=broadcast,
        recorded_at=NOW,
        state=VodState.READY,
        ready_at=NOW,
        target_duration=2,
        duration_ms=60_000,
    )
    clip = Clip.objects.create(
        channel=channel,
        vod=vod,
        title="There",
        from_ms=0,
        to_ms=5_000,
        created_at=NOW,
        state=ClipState.READY,
        key="clip",
        poster_key="poster",
    )
    facts = {
        "login": owner.username,
        "user": people["viewer"].username,
        "slug": category.slug,
        "emote_id": emote.pk,
        "term_id": BlockedTerm.objects.get(room=room).pk,
        "action_id": ModAction.objects.get(room=room, kind=ModAction.Kind.BAN).pk,
        "held_id": held.pk,
        "token_id": token.pk,
        "stream_id": broadcast.pk,
        "vod_id": vod.pk,
        "clip_id": clip.pk,
        # What nobody has: a link of an e-mail that was never sent.
        "key": "none",
        "uidb36": "1",
    }
    return World({"anonymous": None, **people, "staff": staff}, {name: str(fact) for name, fact in facts.items()})


def picture() -> bytes:
    """A PNG that an emote can be made of."""
    data = io.BytesIO()
    Image.new("RGBA", (32, 32), (255, 0, 0, 128)).save(data, "PNG")
    return data.getvalue()
