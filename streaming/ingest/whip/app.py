"""WHIP over HTTP (RFC 9725 4): POST an offer, PATCH candidates, DELETE to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from streaming.ingest.whip.errors import (
    BadRequest,
    KeyMissing,
    StaleTag,
    TagMissing,
    TooLarge,
    UnknownSession,
    WhipError,
    WrongType,
)
from streaming.ingest.whip.offer import read_offer, read_update
from streaming.ingest.whip.session import WhipSession
from streaming.ingest.whip.sessions import Sessions

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_BODY = 64 * 1024
BODY_SECONDS = 5.0
RETRY_SECONDS = {429: "60", 503: "5"}
CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, Link, Location, Accept-Patch, Accept-Post, Retry-After",
}
"""Any page may broadcast: what counts is the token, and no cookie is looked at."""
PREFLIGHT = {
    "access-control-allow-methods": "POST, PATCH, DELETE, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, If-Match",
    "access-control-max-age": "86400",
}

Answer = Callable[[Request], Awaitable[Response]]


def create_app(sessions: Sessions, *, ice_servers: Sequence[str] = ()) -> Router:
    """The ASGI application. `ice_servers` are URLs of STUN and TURN servers that encoders are told of."""
    whip = Whip(sessions, ice_servers)
    return Router(
        [
            Route("/whip", Resource({"POST": whip.post}, {"accept-post": SDP})),
            Route(
                "/whip/{session}", Resource({"PATCH": whip.patch, "DELETE": whip.delete}, {"accept-patch": FRAGMENT})
            ),
        ],
        default=Resource({}, {}),
        redirect_slashes=False,
    )


class Whip:
    """Answers for the endpoint and for every session."""

    def __init__(self, sessions: Sessions, ice_servers: Sequence[str]) -> None:
        self._sessions = sessions
        self._links = ", ".join(map(ice_server_link, ice_servers))

    async def post(self, request: Request) -> Response:
        """Begin a session: 201 with the answer."""
        key = _token(request)
        offer = read_offer(await _body(request, SDP))
        address = request.client.host if request.client else "local"
        session = await self._sessions.begin(offer, key=key, address=address, near=_near(request))
        headers = {
            "location": f"/whip/{session.id}",
            "etag": session.tag,
            "accept-patch": FRAGMENT,
            "cache-control": "no-store",
        }
        if self._links:
            headers["link"] = self._links
        return Response(session.answer, status_code=201, media_type=SDP, headers=headers)

    async def patch(self, request: Request) -> Response:
        """Take trickled candidates: 204; or restart ICE: 200 with our new credentials (RFC 9725 4.3)."""
        session = self._session(request)
        tag = request.headers.get("if-match")
        if tag is None:
            raise TagMissing
        update = read_update(await _body(request, FRAGMENT))
        if not _matches(tag, session.tag):
            raise StaleTag
        fragment = await session.update(update, near=_near(request))
        if fragment is None:
            return Response(status_code=204)
        headers = {"etag": session.tag, "cache-control": "no-store"}
        return Response(fragment, media_type=FRAGMENT, headers=headers)

    async def delete(self, request: Request) -> Response:
        """The encoder has finished: 200."""
        self._session(request).stop()
        return Response(status_code=200)

    def _session(self, request: Request) -> WhipSession:
        return self._sessions.find(request.path_params["session"], _token(request))


class Resource:
    """An ASGI app for one URL: its methods, CORS, and refusals as JSON `{code, message}`."""

    def __init__(self, methods: Mapping[str, Answer], headers: Mapping[str, str]) -> None:
        self._methods = methods
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        response.headers.update(CORS)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            # RFC 9725 4.2: 200, with Accept-Post
            return Response(status_code=200, headers={**PREFLIGHT, **self._headers})
        try:
            if not self._methods:
                raise UnknownSession
            answer = self._methods.get(request.method)
            if answer is None:
                # RFC 9725 4.2: GET, HEAD and PUT among them
                allowed = ", ".join([*self._methods, "OPTIONS"])
                return _refusal(405, "method_not_allowed", f"Only {allowed} here.", {"allow": allowed})
            return await answer(request)
        except KeyMissing as error:
            return _refusal(error.status, error.code, error.sentence, {"www-authenticate": "Bearer"})
        except WrongType as error:
            # RFC 5789 2.2: what it should have been
            return _refusal(error.status, error.code, error.sentence, self._headers)
        except WhipError as error:
            retry = RETRY_SECONDS.get(error.status)
            return _refusal(error.status, error.code, error.sentence, {"retry-after": retry} if retry else {})
        except ClientDisconnect:
            return Response(status_code=400)


def ice_server_link(address: str) -> str:
    """The Link header (RFC 9725 4.6) of `stun:host:port`, or `turn:user:password@host:port?transport=udp`."""
    scheme, _, rest = address.partition(":")
    parts = urlsplit(f"//{rest}")
    host = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    link = f'<{scheme}:{host}{query}>; rel="ice-server"'
    if parts.username is not None:
        user, password = (_quotable(unquote(one)) for one in (parts.username, parts.password or ""))
        link += f'; username="{user}"; credential="{password}"; credential-type="password"'
    return link


def _quotable(text: str) -> str:
    """What may stand between quotes (RFC 9110 5.6.4)."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _near(request: Request) -> str:
    """The address of ours that the encoder came to."""
    server = request.scope.get("server") or ("", 0)
    return str(server[0])


def _token(request: Request) -> str:
    """The bearer token (RFC 6750 2.1). Raises KeyMissing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise KeyMissing("Send your stream key as the bearer token.")
    return token.strip()


def _matches(condition: str, tag: str) -> bool:
    """If-Match (RFC 9110 13.1.1). RFC 9725's own examples have the asterisk in quotes, and clients copy them."""
    return any(one.strip() in {"*", '"*"', tag} for one in condition.split(","))


async def _body(request: Request, wanted: str) -> str:
    """The request's text. Raises WrongType, TooLarge, BadRequest."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise WrongType(wanted)
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise TooLarge(f"The body has more than {MAX_BODY} bytes.")
        return body.decode()
    except (TimeoutError, UnicodeDecodeError) as error:
        raise BadRequest("The body did not come, or is no UTF-8.") from error


def _refusal(status: int, code: str, sentence: str, headers: Mapping[str, str]) -> Response:
    headers = {"cache-control": "no-store", **headers}
    return JSONResponse({"code": code, "message": sentence}, status_code=status, headers=headers)
