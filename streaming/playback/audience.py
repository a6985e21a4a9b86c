"""What players and pages say and ask besides media: heartbeats, the status, the thumbnail."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts.addresses import owner_of
from streaming.bus import reading, thumbnail, viewers
from streaming.bus.demand import want
from streaming.bus.errors import BusError
from streaming.bus.redis import AsyncValkey
from streaming.media import AUDIO, PART_TARGET_MS, SOURCE, BroadcastState, Description
from streaming.playback.answers import as_json, content
from streaming.playback.errors import BadRequest, NotHere, TooManyRequests, UnknownBroadcast
from streaming.playback.following import Following
from streaming.playback.limits import Allowance

logger = logging.getLogger(__name__)

BODY_BYTES = 1_024
BEATS_PER_ADDRESS = 120
PER_SECONDS = 10.0
VIEWER_LENGTHS = range(8, 65)
LATENCY_S = 3_600
THUMBNAIL_S = 10
"""How long a browser shows a thumbnail again without asking."""
COUNT = 10_000
"""Stalls or errors beyond this in ten seconds are not a player's."""


UNKNOWN = "unknown"


class Audience:
    """Answers for every broadcast; `now_ms` is Unix time, `clock` a steady one in seconds."""

    def __init__(
        self,
        bus: AsyncValkey,
        state: AsyncValkey,
        following: Following,
        *,
        now_ms: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._bus = bus
        self._following = following
        self._state = state
        self._now_ms = now_ms
        self._clock = clock
        self._allowance = Allowance(BEATS_PER_ADDRESS, PER_SECONDS)

    async def status(self, request: Request) -> Response:
        """`{state, viewers}`, for the page around the player; `viewers` is null while nobody can count."""
        description = await self._description(request)
        return as_json({"state": description.state, "viewers": await self._viewers(description)})

    async def heartbeat(self, request: Request) -> Response:
        """Counts the viewer, keeps the rendition wanted, and answers the status."""
        address = owner_of(request.client.host if request.client else "local")
        if not self._allowance.take(address, self._clock()):
            raise TooManyRequests(f"At most {BEATS_PER_ADDRESS} reports in {PER_SECONDS:g} s from one address.")
        report = parse_report(await _body(request))
        description = await self._description(request)
        broadcast = description.broadcast
        # A player that leaves the choice to the browser doesn't know what it plays.
        known = any(rendition.name == report.rendition for rendition in description.renditions)
        if description.state is not BroadcastState.ENDED:
            counted = report if known else replace(report, rendition=UNKNOWN)
            await self._count(broadcast, counted, address)
            if known and report.rendition not in {SOURCE, AUDIO}:
                await self._bus.run(want(broadcast, report.rendition))
        return as_json({"state": description.state, "viewers": await self._viewers(description)})

    async def thumbnail(self, request: Request) -> Response:
        """A keyframe of the last 30 s. Caches forget it in time, too."""
        found = await self._state.run(thumbnail.get(request.path_params["broadcast"]))
        if found is None:
            raise NotHere("thumbnail")
        seconds = min(THUMBNAIL_S, found.fresh_ms // 1_000)
        return content(found.picture, "image/jpeg", f"public, max-age={seconds}")

    async def _description(self, request: Request) -> Description:
        broadcast = request.path_params["broadcast"]
        description: Description | None
        description, standing = await self._bus.run_all([reading.description(broadcast), reading.standing(broadcast)])
        if description is None and not standing.ended:
            # A bus that has lost its memory hears of the broadcast again in a moment.
            description = self._following.last_known(broadcast)
        if description is None and not standing.ended and standing.published:
            # Its encoder has connected, and is about to send.
            description = Description(broadcast, BroadcastState.LIVE, 0, PART_TARGET_MS, ())
        if description is None:
            raise UnknownBroadcast(broadcast)
        return description

    async def _viewers(self, description: Description) -> int | None:
        """How many watch; None while the state Valkey is away, which is no reason to say nothing at all."""
        if description.state is BroadcastState.ENDED:
            return 0
        try:
            return await self._state.run(viewers.count(description.broadcast, now_ms=self._now_ms()))
        except BusError as error:
            logger.warning("viewers can't be counted: %s", error)
            return None

    async def _count(self, broadcast: str, report: viewers.Report, address: str) -> None:
        try:
            await self._state.run(viewers.beat(broadcast, report, address=address, now_ms=self._now_ms()))
        except BusError as error:
            logger.warning("a viewer was not counted: %s", error)


def parse_report(body: bytes) -> viewers.Report:
    """A heartbeat's body: `{viewer, rendition, latency, stalls, errors}`, latency in seconds or null.

    Raises BadRequest.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("A report is JSON.") from None
    if not isinstance(values, dict):
        raise BadRequest("A report is an object.")
    viewer = values.get("viewer")
    if (
        not isinstance(viewer, str)
        or len(viewer) not in VIEWER_LENGTHS
        or not (viewer.isascii() and viewer.replace("-", "").isalnum())
    ):
        raise BadRequest("`viewer` is 8 to 64 letters, digits and hyphens.")
    rendition = values.get("rendition")
    if not isinstance(rendition, str):
        raise BadRequest("`rendition` is the name of a rendition.")
    latency = values.get("latency")
    if latency is not None and (not isinstance(latency, int | float) or isinstance(latency, bool)):
        raise BadRequest("`latency` is in seconds, or null.")
    # A viewer whose clock is wrong is a viewer all the same.
    if latency is not None and not 0 <= latency <= LATENCY_S:
        latency = None
    return viewers.Report(
        viewer=viewer,
        rendition=rendition,
        latency_ms=None if latency is None else round(latency * 1000),
        stalls=_count(values, "stalls"),
        errors=_count(values, "errors"),
    )


def _count(values: dict[str, Any], name: str) -> int:
    value = values.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= COUNT:
        raise BadRequest(f"`{name}` is a whole number from 0 to {COUNT}.")
    return value


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES:
            raise BadRequest(f"A report has at most {BODY_BYTES} bytes.")
    return body
