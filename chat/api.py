"""Chat for programs, and for the page's own cards: a router of the site's JSON API."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, NinjaAPI, Router
from ninja.security import SessionAuth

from accounts.models import User
from accounts.ratelimit import RateLimit, source
from chat import emotes, people, process
from chat.errors import (
    Banned,
    ChatError,
    ChatUnavailable,
    NotPermitted,
    SignInNeeded,
    TimedOut,
    UnknownMessage,
    UnknownRoom,
    UnknownUser,
    Wait,
)
from chat.models import HeldMessage, ModAction
from chat.services import moderation
from chat.services.authority import find_user, need_moderator
from streaming.api.schemas import CamelSchema, Failure
from streaming.api.token import ApiTokenBearer
from streaming.models import Channel

READS = RateLimit("chat-read", count=300, seconds=60)
WRITES = RateLimit("chat-write", count=120, seconds=60)
LISTED = 100

router = Router(tags=["chat"])
either = [ApiTokenBearer(), SessionAuth()]


class MessageIn(CamelSchema):
    """A message, or a command as one types it."""

    channel_id: str = Field(max_length=64, description="The channel's id or login.")
    message: str = Field(max_length=2_000)
    reply_to: str = Field("", max_length=64, description="The id of the message it answers.")


class MessageOut(CamelSchema):
    """What became of it."""

    id: str | None = Field(description="The message's id; null for a command, or when it was not kept.")
    offset: int | None
    stored: bool = Field(description="False while the log is away: only those near by heard it.")
    shown: bool = Field(description="False when the room is busy and shows a sample.")
    notice: str | None = Field(description="What a command answers.")


class EmoteOut(CamelSchema):
    """An emote."""

    id: str
    name: str


class EmoteList(CamelSchema):
    """The emotes of a room, the house's first."""

    emotes: list[EmoteOut]


class CardOut(CamelSchema):
    """Somebody in a room."""

    login: str
    color: str
    badges: list[str]
    joined_at: datetime
    followed_at: datetime | None
    banned: bool
    banned_until: datetime | None


class DecisionIn(CamelSchema):
    """What becomes of a held message."""

    channel_id: str = Field(max_length=64)
    allowed: bool


class ChannelIn(CamelSchema):
    """Whose room."""

    channel_id: str = Field(max_length=64)


REFUSALS = {401: Failure, 403: Failure, 404: Failure, 409: Failure, 422: Failure, 429: Failure, 503: Failure}


@router.post("/messages", response={200: MessageOut, **REFUSALS}, by_alias=True, auth=either, summary="Say something")
def say(request: HttpRequest, said: MessageIn) -> MessageOut:
    """Says a message in a channel's room, or carries out a command (`/timeout somebody 60`), as the page does."""
    WRITES.spend(source(request), now=timezone.now())
    channel = _channel(said.channel_id)

    async def speak() -> Any:
        process.hub().start()
        return await process.speech().say(str(channel.pk), str(_user(request).pk), said.message, reply_to=said.reply_to)

    outcome = async_to_sync(speak)()
    posted, answer = outcome.posted, outcome.answer
    return MessageOut(
        id=posted.id if posted else None,
        offset=posted.offset if posted else None,
        stored=posted is not None or answer is not None,
        shown=posted.shown if posted else True,
        notice=answer.text if answer else None,
    )


@router.get("/{login}/emotes", response={200: EmoteList, 404: Failure}, by_alias=True, url_name="chat_emotes")
def list_emotes(request: HttpRequest, login: str) -> EmoteList:
    """The emotes of a room."""
    READS.spend(source(request), now=timezone.now())
    own = people.load_facts(str(people.find_channel(login).pk)).emotes
    return EmoteList(emotes=[EmoteOut(id=id_, name=name) for name, id_ in {**emotes.GLOBAL, **own}.items()])


@router.get("/{login}/users/{user}", response={200: CardOut, 404: Failure}, by_alias=True, url_name="chat_card")
def card(request: HttpRequest, login: str, user: str) -> CardOut:
    """Somebody in a room. Bans are told to moderators only."""
    READS.spend(source(request), now=timezone.now())
    channel, somebody = people.find_channel(login), find_user(user)
    standing = people.load_standing(str(channel.pk), str(somebody.pk))
    asks = request.user if request.user.is_authenticated else None
    moderates = asks is not None and people.load_standing(str(channel.pk), str(asks.pk)).moderates
    now_ms = people.unix_ms(timezone.now())
    banned = moderates and (standing.banned_until == 0 or standing.banned_until > now_ms)
    return CardOut(
        login=somebody.username,
        color=standing.color,
        badges=standing.badges(now_ms),
        joined_at=somebody.date_joined,
        followed_at=people.at(standing.followed_at),
        banned=banned,
        banned_until=people.at(standing.banned_until) if banned else None,
    )


@router.get("/{login}/desk", auth=either, url_name="chat_desk", summary="What moderators see")
def desk(request: HttpRequest, login: str) -> dict[str, Any]:
    """Messages that wait, and the newest actions of the room's moderators."""
    READS.spend(source(request), now=timezone.now())
    channel = people.find_channel(login)
    need_moderator(channel=channel, by=_user(request))
    waiting = HeldMessage.objects.filter(room_id=channel.pk, decided_at=None).select_related("user")
    # The newest are those that somebody waits for: what nobody ever decided must not be in their way.
    held = reversed(waiting.order_by("-held_at")[:LISTED])
    actions = ModAction.objects.filter(room_id=channel.pk).select_related("by", "target")[:LISTED]
    return {
        "held": [
            {"id": str(one.pk), "login": one.user.username, "text": one.text, "reason": one.reason} for one in held
        ],
        "actions": [action.to_json() for action in actions],
    }


@router.post("/actions/{uuid:action_id}/undo", response={200: None, **REFUSALS}, auth=either, summary="Undo")
def undo(request: HttpRequest, action_id: UUID, where: ChannelIn) -> None:
    """Undoes a ban, a timeout, their ends, or a change of modes."""
    WRITES.spend(source(request), now=timezone.now())
    moderation.undo(channel=_channel(where.channel_id), by=_user(request), action_id=str(action_id), now=timezone.now())


@router.post("/held/{uuid:held_id}", response={200: None, **REFUSALS}, auth=either, summary="Decide")
def decide(request: HttpRequest, held_id: UUID, decision: DecisionIn) -> None:
    """Lets a held message be said, or not."""
    WRITES.spend(source(request), now=timezone.now())
    channel = _channel(decision.channel_id)

    async def allow() -> None:
        process.hub().start()
        await process.speech().allow(str(channel.pk), str(_user(request).pk), str(held_id), allowed=decision.allowed)

    async_to_sync(allow)()


def _channel(name: str) -> Channel:
    try:
        found = Channel.objects.public().select_related("user").filter(pk=UUID(name)).first()
    except ValueError:
        return people.find_channel(name)
    if found is None:
        raise UnknownRoom
    return found


def _user(request: HttpRequest) -> User:
    user = request.auth  # type: ignore[attr-defined]  # what `auth` of the operation answered
    if not isinstance(user, User):
        raise SignInNeeded
    return user


STATUS: dict[type[ChatError], int] = {
    SignInNeeded: 401,
    NotPermitted: 403,
    Banned: 403,
    TimedOut: 403,
    UnknownRoom: 404,
    UnknownUser: 404,
    UnknownMessage: 404,
    ChatUnavailable: 503,
    Wait: 429,
}


def mount(api: NinjaAPI) -> None:
    """Puts chat under `/chat` of the site's API, with its refusals as JSON."""

    def refused(request: HttpRequest, error: ChatError) -> HttpResponse:
        status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 422)
        response = api.create_response(request, {"code": error.code, "message": str(error)}, status=status)
        if isinstance(error, Wait):
            response["Retry-After"] = str(-(-error.retry_ms // 1000))
        return response

    api.exception_handler(ChatError)(refused)
    api.add_router("/chat", router)
