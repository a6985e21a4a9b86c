"""Clips for programs, and for the pages that make them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from accounts.ratelimit import RateLimit, source
from streaming.addresses import site_url
from streaming.api.paging import paged
from streaming.api.schemas import Failure
from vods.access import may_manage
from vods.api.asking import BEATS, READS, REFUSALS, WRITES, is_new_viewer, member, member_of, visitor
from vods.api.schemas import ClipIn, ClipList, ClipOut, ClipQuery, ViewerIn, WatchingOut
from vods.errors import BadRange, MayNot, UnknownClip, UnknownVod
from vods.models import Clip, Vod
from vods.services import clips

CLIPS = RateLimit("clip", count=20, seconds=3600)

router = Router(tags=["clips"])


@router.get("", response={200: ClipList, 422: Failure, 429: Failure}, by_alias=True, summary="List clips")
def list_clips(request: HttpRequest, wanted: Query[ClipQuery]) -> ClipList:
    """Clips that everybody may watch, the newest first."""
    READS.spend(source(request), now=timezone.now())
    found = Clip.objects.watchable().for_cards()
    if wanted.channel:
        found = found.filter(channel__user__username=wanted.channel.lower())
    listed, page = paged(found, wanted)
    site = site_url(request)
    return ClipList(clips=[ClipOut.of(clip, site=site) for clip in listed], **page)


@router.post(
    "", response={201: ClipOut, **REFUSALS}, by_alias=True, auth=member, summary="Make a clip", url_name="make_clip"
)
def make_clip(request: HttpRequest, wanted: ClipIn) -> Status[ClipOut]:
    """Cuts 5 to 60 seconds out of a VOD, or of a stream that is on, in the background."""
    now = timezone.now()
    CLIPS.spend(source(request), now=now)
    vod_id, from_ms, to_ms = _range(wanted)
    made = clips.make_clip(
        vod_id=vod_id, by=member_of(request), from_ms=from_ms, to_ms=to_ms, title=wanted.title, now=now
    )
    return Status(201, ClipOut.of(Clip.objects.for_cards().get(pk=made.pk), site=site_url(request)))


@router.get(
    "/{uuid:clip_id}",
    response={200: ClipOut, **REFUSALS},
    by_alias=True,
    auth=visitor,
    summary="One clip",
    url_name="get_clip",
)
def get_clip(request: HttpRequest, clip_id: UUID) -> ClipOut:
    """A clip, ready or not."""
    READS.spend(source(request), now=timezone.now())
    return ClipOut.of(_clip(clip_id), site=site_url(request))


@router.delete("/{uuid:clip_id}", response={204: None, **REFUSALS}, auth=member, summary="Delete a clip")
def delete_clip(request: HttpRequest, clip_id: UUID) -> Status[None]:
    """Deletes a clip for good: whoever made it may, and the channel's streamer."""
    WRITES.spend(source(request), now=timezone.now())
    clip, user = _clip(clip_id), member_of(request)
    if clip.by_id != user.pk and not may_manage(channel=clip.channel, user=user):
        raise MayNot("This clip is somebody else's.")
    clips.delete_clip(clip_id=clip.pk)
    return Status(204, None)


@router.post(
    "/{uuid:clip_id}/watching",
    response={200: WatchingOut, **REFUSALS},
    by_alias=True,
    auth=visitor,
    summary="Tell that a clip is watched",
    url_name="clip_watching",
)
def watch(request: HttpRequest, clip_id: UUID, told: ViewerIn) -> WatchingOut:
    """Counts the viewer."""
    BEATS.spend(source(request), now=timezone.now())
    clip = _clip(clip_id)
    new = is_new_viewer(request, clip, told.viewer)
    if new:
        clips.count_clip_view(clip_id=clip.pk)
    return WatchingOut(views=clip.views + new)


def _range(wanted: ClipIn) -> tuple[UUID, int, int]:
    """The VOD and the positions in it. Raises UnknownVod, BadRange, NotReady."""
    if wanted.vod_id is not None:
        return wanted.vod_id, wanted.from_ms, wanted.to_ms
    if wanted.stream_id is None or wanted.since is None or wanted.until is None:
        raise BadRange("Say of what: vodId with fromMs and toMs, or streamId with since and until.")
    vod = Vod.objects.of_broadcast(wanted.stream_id).first()
    if vod is None:
        raise UnknownVod
    return vod.pk, clips.position_in(vod, _ms(wanted.since)), clips.position_in(vod, _ms(wanted.until))


def _clip(clip_id: UUID) -> Clip:
    """A clip that everybody may know of, being made or not. Raises UnknownClip."""
    clip = Clip.objects.open().for_cards().filter(pk=clip_id).first()
    if clip is None:
        raise UnknownClip
    return clip


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
