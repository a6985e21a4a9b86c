"""Every limit at its edge, from two processes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from accounts.models import User
from chat.services import moderation, roles, settings
from tests.chat.conftest import Connect, Server, Socket, cookie_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)

Sides = tuple[Socket, Socket]


@pytest.fixture
async def sides(web: Server, second_web: Server, alice: User, bobby: User, enter: Connect) -> Sides:
    """The same person in two processes."""
    cookie = await database_sync_to_async(cookie_of)(bobby)
    return await enter(web, alice.username, cookie=cookie), await enter(second_web, alice.username, cookie=cookie)


async def at_once(sides: Sides, *texts: str) -> list[str]:
    """Says each text on each side at the same moment; `ack`, or the code of the error."""
    answers: list[str] = []
    for text in texts:
        said = await asyncio.gather(*(side.say(text.format(side=number)) for number, side in enumerate(sides)))
        answers += [answer.get("code", answer["type"]) for answer in said]
    return answers


async def change(alice: User, **modes: Any) -> None:
    await database_sync_to_async(settings.set_modes)(channel=alice.channel, by=alice, now=timezone.now(), **modes)


async def test_20_messages_in_30_s(sides: Sides) -> None:
    answers = await at_once(sides, *(f"{number} of {{side}}" for number in range(13)))
    assert (answers.count("ack"), answers.count("too_fast")) == (20, 6)


async def test_100_messages_in_30_s_of_a_moderator(alice: User, bobby: User, sides: Sides) -> None:
    await database_sync_to_async(roles.set_moderator)(
        channel=alice.channel, by=alice, target=bobby, granted=True, now=timezone.now()
    )
    answers = await at_once(sides, *(f"{number} of {{side}}" for number in range(51)))
    assert (answers.count("ack"), answers.count("too_fast")) == (100, 2)


async def test_the_same_words_once(sides: Sides) -> None:
    assert sorted(await at_once(sides, "the very same")) == ["ack", "repeated"]


async def test_one_message_in_slow_mode(alice: User, sides: Sides) -> None:
    await change(alice, slow_seconds=120)
    assert sorted(await at_once(sides, "words of {side}")) == ["ack", "slow_mode"]


async def test_one_of_two_people_says_it_in_unique_chat(
    web: Server, second_web: Server, alice: User, bobby: User, carol: User, enter: Connect
) -> None:
    await change(alice, unique_chat=True)
    bob = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
    other = await enter(second_web, alice.username, cookie=await database_sync_to_async(cookie_of)(carol))
    assert sorted(await at_once((bob, other), "first!")) == ["ack", "not_unique"]


@pytest.mark.parametrize(
    ("modes", "text", "code"),
    [
        ({"emote_only": True}, "words of {side}", "emotes_only"),
        ({"subscribers_only": True}, "words of {side}", "subscribers_only"),
        ({"followers_minutes": 0}, "words of {side}", "followers_only"),
        ({"links_allowed": False}, "see example.com/{side}", "link_blocked"),
    ],
)
async def test_a_mode_counts_everywhere_from_the_moment_it_is_set(
    alice: User, sides: Sides, modes: dict[str, Any], text: str, code: str
) -> None:
    assert await at_once(sides, "before, {side}") == ["ack", "ack"]  # both processes know the room as it was
    await change(alice, **modes)
    assert await at_once(sides, text) == [code, code]
    await change(
        alice,
        **{name: True if name == "links_allowed" else None if name == "followers_minutes" else False for name in modes},
    )
    assert await at_once(sides, text) == ["ack", "ack"]


async def test_a_blocked_word_counts_everywhere_at_once(alice: User, sides: Sides) -> None:
    assert await at_once(sides, "foo {side}") == ["ack", "ack"]
    await database_sync_to_async(settings.add_term)(channel=alice.channel, by=alice, term="foo*", now=timezone.now())
    assert await at_once(sides, "food {side}") == ["term_blocked", "term_blocked"]


async def test_a_ban_counts_everywhere_at_once_and_so_does_its_end(alice: User, bobby: User, sides: Sides) -> None:
    assert await at_once(sides, "before, {side}") == ["ack", "ack"]
    facts: dict[str, Any] = {"channel": alice.channel, "by": alice, "target": bobby, "now": timezone.now()}
    await database_sync_to_async(moderation.ban)(**facts)
    assert await at_once(sides, "banned, {side}") == ["banned", "banned"]
    await database_sync_to_async(moderation.unban)(**facts)
    assert await at_once(sides, "free, {side}") == ["ack", "ack"]


async def test_a_timeout_ends_by_itself(alice: User, bobby: User, sides: Sides) -> None:
    facts: dict[str, Any] = {"channel": alice.channel, "by": alice, "target": bobby}
    now = timezone.now()
    await database_sync_to_async(moderation.ban)(**facts, now=now, seconds=60)
    refused = await sides[0].say("too soon")
    assert refused["code"] == "timed_out"
    assert 0 < refused["retry_ms"] <= 60_000
    await database_sync_to_async(moderation.ban)(**facts, now=now - timedelta(seconds=60), seconds=60)  # just over
    assert await at_once(sides, "after it, {side}") == ["ack", "ack"]


async def test_500_code_points(sides: Sides) -> None:
    letters = "".join(chr(0x20000 + number) for number in range(500))  # of four bytes each
    assert await at_once(sides, letters[:499] + "{side}", letters + "{side}") == ["ack", "ack", "too_long", "too_long"]


async def test_a_very_busy_room_shows_a_sample_says_so_and_lets_vips_through(
    web: Server, second_web: Server, alice: User, make_user: Callable[[str], User], enter: Connect
) -> None:
    def tokens() -> list[str]:
        people = [make_user(f"fan_{number}") for number in range(24)]
        roles.set_vip(channel=alice.channel, by=alice, target=people[0], granted=True, now=timezone.now())
        return [token_of(one) for one in people]

    listener = await enter(web, alice.username)
    crowd = [
        await enter((web, second_web)[number % 2], alice.username, headers={"Authorization": f"Bearer {token}"})
        for number, token in enumerate(await database_sync_to_async(tokens)())
    ]

    async def talk(socket: Socket) -> list[dict[str, Any]]:
        for number in range(19):
            await socket.send(type="message", text=f"number {number}", nonce=str(number))
        return [await socket.get("ack", seconds=20) for _ in range(19)]

    answers = await asyncio.gather(*(talk(socket) for socket in crowd))
    for socket in crowd:
        socket.connection.transport.abort()  # a close would wait for all that nobody reads
    shown = {answer["id"] for answers_of_one in answers for answer in answers_of_one if answer["shown"]}
    assert 100 <= len(shown) < 24 * 19
    assert all(answer["shown"] for answer in answers[0])
    heard = {message["id"] for message in await listener.messages(len(shown))}
    assert heard == shown
    assert listener.take("sample")[0]["tempo"] > 100
