"""A channel's own emotes."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from accounts.models import User
from chat import emotes
from chat.errors import EmoteRefused
from chat.models import MAX_EMOTES, Emote
from chat.pictures import encode_emote
from chat.services.authority import need_broadcaster, room_of
from chat.services.settings import touch
from streaming.models import Channel


def add_emote(*, channel: Channel, by: User, name: str, data: bytes, now: datetime) -> Emote:
    """Adds an emote; `data` is the picture as it was sent. Raises NotBroadcaster, EmoteRefused."""
    need_broadcaster(channel=channel, by=by)
    if not re.fullmatch(emotes.NAME_PATTERN, name) or name in emotes.GLOBAL:
        raise EmoteRefused(
            "A name has 4 to 40 letters and digits: small letters first, then at least one capital or digit."
        )
    encoded = encode_emote(data)
    with transaction.atomic():
        room = room_of(channel)
        if room.emotes.filter(removed=False).count() >= MAX_EMOTES:
            raise EmoteRefused(f"A channel has at most {MAX_EMOTES} emotes.")
        emote = Emote(room=room, name=name, created_at=now)
        try:
            with transaction.atomic():
                emote.picture.save("emote.webp", ContentFile(encoded), save=True)
        except IntegrityError:
            emote.picture.delete(save=False)
            raise EmoteRefused("You have an emote of this name already.") from None
        touch(room, channel=channel, by=by)
    return emote


@transaction.atomic
def remove_emote(*, channel: Channel, by: User, emote_id: UUID) -> bool:
    """Takes an emote out of use; false when it is not the channel's. Its picture stays, for what was said."""
    need_broadcaster(channel=channel, by=by)
    room = room_of(channel)
    removed = Emote.objects.filter(room=room, pk=emote_id, removed=False).update(removed=True, name=f"x{emote_id.hex}")
    if removed:
        touch(room, channel=channel, by=by)
    return removed == 1
