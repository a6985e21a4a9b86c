"""Clips: moments that viewers cut out of a VOD, or out of a broadcast that is on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.models import User
from chat.models import Ban, Follow, Subscription
from streaming.models import MAX_TITLE, Channel
from vods.access import may_manage, may_watch
from vods.errors import BadRange, BadText, MayNot, NotReady, TooMany, UnknownClip, UnknownVod
from vods.library import leading_rendition, timeline_of
from vods.models import Clip, Clippers, ClipState, Vod, VodState
from vods.models.clip import LEAST_MS, MOST_MS
from vods.models.vod import OPEN
from vods.services.settings import settings_of
from vods.services.vods import IN_COLD_STORAGE
from vods.wanted import WorkflowKind, want

MAX_CLIPS = 1_000
"""Of one VOD."""
MAX_MAKING = 5
"""Of one person at a time."""
AHEAD_MS = 120_000
"""A clip of what is on may end so much after what is archived: its last media is about to be."""


@transaction.atomic
def make_clip(*, vod_id: UUID, by: User, from_ms: int, to_ms: int, title: str, now: datetime) -> Clip:
    """Cuts a moment into a clip, in the background.

    `from_ms` and `to_ms` are positions in the VOD; while its broadcast is on they may lie a little beyond what is
    archived. Raises UnknownVod, NotReady, MayNot, BadRange, BadText, TooMany.
    """
    vod = Vod.objects.existing().select_related("channel__user").filter(pk=vod_id).first()
    if vod is None or not may_watch(vod=vod, user=by):
        raise UnknownVod
    _check_clippable(vod)
    _check_may(vod.channel, by, now)
    if not title.strip() or len(title.strip()) > MAX_TITLE:
        raise BadText(f"A clip's title has 1 to {MAX_TITLE} characters.")
    end_ms = vod.duration_ms + (0 if vod.plays else AHEAD_MS)
    if not LEAST_MS <= to_ms - from_ms <= MOST_MS or not 0 <= from_ms < to_ms <= end_ms:
        raise BadRange(f"A clip has {LEAST_MS // 1000} to {MOST_MS // 1000} seconds of the video.")
    if vod.clips.existing().count() >= MAX_CLIPS:
        raise TooMany(f"There are {MAX_CLIPS} clips of this video already.")
    if by.clips.filter(state=ClipState.MAKING).count() >= MAX_MAKING:
        raise TooMany(f"{MAX_MAKING} of your clips are still being made. Wait a moment.")
    made = Clip.objects.create(
        channel_id=vod.channel_id, vod=vod, by=by, title=title.strip(), from_ms=from_ms, to_ms=to_ms, created_at=now
    )
    want(WorkflowKind.CLIP, made.pk)
    return made


def position_in(vod: Vod, wall_ms: int) -> int:
    """Where in a VOD a moment is, given in UTC ms, also one that is not archived yet. Raises NotReady."""
    lead = leading_rendition(vod)
    segments = timeline_of(lead).segments if lead else ()
    if lead is None or not segments:
        raise NotReady("Nothing of this broadcast is recorded yet. Try again in half a minute.")
    timeline = timeline_of(lead)
    last = segments[-1]
    end_wall_ms = last.wall_ms + last.duration * 1000 // lead.timescale
    if wall_ms > end_wall_ms:
        return timeline.duration_ms + wall_ms - end_wall_ms
    return timeline.position_of(wall_ms)


@transaction.atomic
def delete_clip(*, clip_id: UUID) -> None:
    """Takes a clip away from everybody at once; its media goes in the background. Raises UnknownClip."""
    if Clip.objects.existing().filter(pk=clip_id).update(state=ClipState.DELETING) == 0:
        raise UnknownClip
    want(WorkflowKind.DELETE_CLIP, clip_id)


def count_clip_view(*, clip_id: UUID) -> None:
    """One more viewer; the caller knows that it is another one."""
    Clip.objects.ready().filter(pk=clip_id).update(views=F("views") + 1)


def may_clip(*, channel: Channel, by: User, now: datetime) -> bool:
    """Whether somebody may make clips of a channel."""
    try:
        _check_may(channel, by, now)
    except MayNot:
        return False
    return True


def _check_clippable(vod: Vod) -> None:
    if vod.visibility not in OPEN:
        raise MayNot("Clips are for everybody: they can be made of public and unlisted videos only.")
    if vod.state == VodState.RECORDING and not settings_of(vod.channel_id).dvr:
        raise NotReady("This broadcast can be clipped when it has ended.")
    if vod.state not in (VodState.RECORDING, VodState.SEALING, VodState.READY):
        raise NotReady("This video does not play.")
    if not vod.at_hand:
        raise NotReady(IN_COLD_STORAGE)


def _check_may(channel: Channel, by: User, now: datetime) -> None:
    if may_manage(channel=channel, user=by):
        return
    ban = Ban.objects.filter(channel=channel, user=by).first()
    if ban is not None and (ban.until is None or ban.until > now):
        raise MayNot("You are banned from this channel's chat.")
    clippers = settings_of(channel.pk).clippers
    allowed = clippers == Clippers.EVERYONE
    if clippers == Clippers.FOLLOWERS:
        allowed = Follow.objects.filter(channel=channel, user=by).exists()
    elif clippers == Clippers.SUBSCRIBERS:
        allowed = Subscription.objects.current(now).filter(channel=channel, user=by).exists()
    if not allowed:
        who = {Clippers.NOBODY: "nobody else"}.get(Clippers(clippers), clippers)
        raise MayNot(f"On this channel {who} may make clips.")
