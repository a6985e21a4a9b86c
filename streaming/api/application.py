"""The API's operations, and how what goes wrong is answered."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Query
from ninja.errors import HttpError, ValidationError

from accounts.models import User
from accounts.ratelimit import RateLimit, RateLimited, source
from streaming import on_air, services
from streaming.addresses import site_url
from streaming.api.description import DESCRIPTION, MEDIA
from streaming.api.paging import paged
from streaming.api.schemas import Failure, RenditionOut, StartIn, StreamDetail, StreamList, StreamOut, StreamQuery
from streaming.api.token import ApiTokenBearer, without_token
from streaming.errors import ChannelSuspended, KeyRefused, StreamingError, UnknownToken
from streaming.models import Broadcast, Channel

READS = RateLimit("api-read", count=600, seconds=60)
STARTS = RateLimit("api-start", count=30, seconds=60)
WRONG_KEYS = RateLimit("api-wrong-key", count=10, seconds=60)

logger = logging.getLogger(__name__)


class Api(NinjaAPI):
    """The API with, in its description, the addresses that playback answers."""

    def get_openapi_schema(self, **options: Any) -> Any:
        schema = super().get_openapi_schema(**options)
        schema["paths"].update(MEDIA)
        return schema


api = Api(
    title="Headrace",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)


@api.post(
    "/streams/start",
    response={200: StreamOut, 401: Failure, 403: Failure, 422: Failure, 429: Failure},
    by_alias=True,
    auth=[ApiTokenBearer(), without_token],
    tags=["streams"],
    summary="Set what the stream key's broadcast carries",
)
def start_stream(request: HttpRequest, start: StartIn) -> StreamOut:
    """Sets title, category and tags of the channel's next broadcast, and of the current one if it is live.

    The stream key says which channel; with an API token instead, it is the token's owner's. This starts no broadcast:
    the encoder does, with the same key.
    """
    now = timezone.now()
    STARTS.spend(source(request), now=now)
    channel = services.set_stream_info(
        channel_id=_own_channel(request, start.stream_key).pk,
        title=start.title,
        category=start.category,
        tags=start.tags,
    )
    broadcast = Broadcast.objects.open().for_cards().filter(channel=channel).first()
    if broadcast is None:
        return StreamOut.of_channel(channel, site=site_url(request))
    return _streams(request, [broadcast])[0]


@api.get(
    "/streams",
    response={200: StreamList, 422: Failure, 429: Failure},
    by_alias=True,
    tags=["streams"],
    summary="List streams",
)
def list_streams(request: HttpRequest, wanted: Query[StreamQuery]) -> StreamList:
    """Streams of all channels, the newest first, ended ones too unless `live=1`."""
    READS.spend(source(request), now=timezone.now())
    found = Broadcast.objects.public().for_cards()
    if wanted.live:
        found = found.open()
    if wanted.category:
        found = found.filter(category__slug=wanted.category)
    if wanted.channel:
        found = found.filter(channel__user__username=wanted.channel.lower())
    listed, page = paged(found, wanted)
    return StreamList(streams=_streams(request, listed), **page)


@api.get(
    "/streams/{stream_id}",
    response={200: StreamDetail, 404: Failure, 422: Failure, 429: Failure},
    by_alias=True,
    tags=["streams"],
    summary="One stream",
)
def get_stream(request: HttpRequest, stream_id: UUID) -> StreamDetail:
    """A stream by its id, ended or not."""
    now = timezone.now()
    READS.spend(source(request), now=now)
    broadcast = Broadcast.objects.public().for_cards().filter(pk=stream_id).first()
    if broadcast is None:
        raise Http404
    watched = on_air.renditions(broadcast.pk, now=now) if broadcast.is_open else []
    return StreamDetail(**dict(_streams(request, [broadcast])[0]), renditions=[RenditionOut.of(one) for one in watched])


def _own_channel(request: HttpRequest, stream_key: str) -> Channel:
    now = timezone.now()
    owner = request.auth  # type: ignore[attr-defined]  # what `auth` of the operation answered
    if isinstance(owner, User) and not stream_key:
        return services.create_channel(user=owner, now=now)
    try:
        return services.find_stream_key(key=stream_key).channel
    except KeyRefused:
        WRONG_KEYS.spend(source(request), now=now)
        raise


def _streams(request: HttpRequest, broadcasts: list[Broadcast]) -> list[StreamOut]:
    return [
        StreamOut.of_broadcast(card.broadcast, viewers=card.viewers, site=site_url(request))
        for card in on_air.cards(broadcasts, now=timezone.now())
    ]


def _answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    return api.create_response(request, {"code": code, "message": message}, status=status)


@api.exception_handler(StreamingError)
def _refused(request: HttpRequest, error: StreamingError) -> HttpResponse:
    status = 422
    if isinstance(error, ChannelSuspended):
        status = 403
    elif isinstance(error, KeyRefused | UnknownToken):
        status = 401
    return _answer(request, status, error.code, str(error))


@api.exception_handler(RateLimited)
def _limited(request: HttpRequest, error: RateLimited) -> HttpResponse:
    response = _answer(request, 429, "rate_limited", str(error))
    response["Retry-After"] = str(error.retry_after)
    return response


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    # loc is ("body", "start", "title"): where, the argument's name, the field.
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "start"}) or "The body"
    return _answer(request, 422, "invalid_request", f"{where}: {first['msg']}.")


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, _error: Http404) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is no such stream.")


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _answer(request, error.status_code, "invalid_request", str(error))


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return _answer(request, 500, "internal_error", "Something broke on our side. It is in the log.")
