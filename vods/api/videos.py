"""VODs for programs and players."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from accounts.models import User
from accounts.ratelimit import source
from streaming.addresses import site_url
from streaming.api.paging import paged
from streaming.api.schemas import Failure
from streaming.errors import UnknownCategory
from streaming.models import Category
from vods.access import has_page, may_manage, may_watch
from vods.api.asking import BEATS, READS, REFUSALS, WRITES, asks, is_new_viewer, member, visitor
from vods.api.schemas import ChaptersIn, VodChange, VodDetail, VodList, VodOut, VodQuery, WatchingIn, WatchingOut
from vods.errors import MayNot, UnknownVod
from vods.models import Visibility, Vod
from vods.services import vods, watching
from vods.showing import show

router = Router(tags=["vods"])


@router.get("", response={200: VodList, 422: Failure, 429: Failure}, by_alias=True, summary="List VODs")
def list_vods(request: HttpRequest, wanted: Query[VodQuery]) -> VodList:
    """Public VODs, the newest first."""
    READS.spend(source(request), now=timezone.now())
    found = Vod.objects.listed().for_cards()
    if wanted.channel:
        found = found.filter(channel__user__username=wanted.channel.lower())
    if wanted.category:
        found = found.filter(category__slug=wanted.category)
    listed, page = paged(found, wanted)
    site = site_url(request)
    return VodList(vods=[VodOut.of(vod, site=site) for vod in listed], **page)


@router.get(
    "/{uuid:vod_id}",
    response={200: VodDetail, **REFUSALS},
    by_alias=True,
    auth=visitor,
    summary="One VOD",
    url_name="get_vod",
)
def get_vod(request: HttpRequest, vod_id: UUID) -> VodDetail:
    """A VOD with the addresses of its media, for those who may watch it."""
    now = timezone.now()
    READS.spend(source(request), now=now)
    return VodDetail.showing(
        show(watchable(vod_id, asks(request)), user=asks(request), now=now), site=site_url(request)
    )


@router.patch("/{uuid:vod_id}", response={200: VodOut, **REFUSALS}, by_alias=True, auth=member, summary="Change a VOD")
def change_vod(request: HttpRequest, vod_id: UUID, change: VodChange) -> VodOut:
    """Renames, describes, hides a VOD, for its streamer."""
    WRITES.spend(source(request), now=timezone.now())
    own_vod(vod_id, asks(request))
    given: dict[str, Any] = {
        name: value for name, value in change.dict(exclude_unset=True).items() if value is not None
    }
    if "category" in given:
        given["category"] = _category(given["category"])
    vods.edit_vod(vod_id=vod_id, **given)
    return VodOut.of(Vod.objects.for_cards().get(pk=vod_id), site=site_url(request))


@router.put("/{uuid:vod_id}/chapters", response={204: None, **REFUSALS}, auth=member, summary="Set a VOD's chapters")
def set_chapters(request: HttpRequest, vod_id: UUID, given: ChaptersIn) -> Status[None]:
    """Replaces all chapters of a VOD, for its streamer."""
    WRITES.spend(source(request), now=timezone.now())
    own_vod(vod_id, asks(request))
    vods.set_chapters(vod_id=vod_id, chapters=[(one.at_ms, one.title) for one in given.chapters])
    return Status(204, None)


@router.delete("/{uuid:vod_id}", response={204: None, **REFUSALS}, auth=member, summary="Delete a VOD")
def delete_vod(request: HttpRequest, vod_id: UUID) -> Status[None]:
    """Deletes a VOD for good, for its streamer; its media goes too."""
    WRITES.spend(source(request), now=timezone.now())
    own_vod(vod_id, asks(request))
    vods.delete_vod(vod_id=vod_id)
    return Status(204, None)


@router.post(
    "/{uuid:vod_id}/watching",
    response={200: WatchingOut, **REFUSALS},
    by_alias=True,
    auth=visitor,
    summary="Tell that a VOD is watched",
    url_name="vod_watching",
)
def watch(request: HttpRequest, vod_id: UUID, told: WatchingIn) -> WatchingOut:
    """Counts the viewer, and remembers where somebody who is signed in is."""
    now = timezone.now()
    BEATS.spend(source(request), now=now)
    user = asks(request)
    vod = watchable(vod_id, user)
    new = is_new_viewer(request, vod, told.viewer)
    vods.count_view(vod_id=vod.pk, new=new, now=now)
    if user.is_authenticated and told.at_ms:
        watching.remember_position(user=user, vod_id=vod.pk, at_ms=told.at_ms, now=now)
    elif user.is_authenticated:
        watching.forget_position(user=user, vod_id=vod.pk)
    return WatchingOut(views=vod.views + new)


def watchable(vod_id: UUID, user: User | AnonymousUser) -> Vod:
    """The VOD, if the user may watch it. Raises UnknownVod; MayNot for followers' ones, which are no secret."""
    vod = Vod.objects.existing().for_cards().filter(pk=vod_id).first()
    if vod is None:
        raise UnknownVod
    if may_watch(vod=vod, user=user):
        return vod
    if vod.visibility == Visibility.FOLLOWERS and has_page(vod.channel):
        raise MayNot("This video is for followers of the channel.")
    raise UnknownVod


def own_vod(vod_id: UUID, user: User | AnonymousUser) -> Vod:
    """The VOD, if it is the user's own. Raises UnknownVod, MayNot."""
    vod = watchable(vod_id, user)
    if not may_manage(channel=vod.channel, user=user):
        raise MayNot("This video is another channel's.")
    return vod


def _category(slug: str) -> Category | None:
    if not slug:
        return None
    found = Category.objects.filter(slug=slug).first()
    if found is None:
        raise UnknownCategory(slug)
    return found
