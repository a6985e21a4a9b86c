"""What one Valkey core judges, numbers, keeps and publishes."""

from __future__ import annotations

from bench.rooms.messages import BODY
from chat.bus import posting, rooms
from chat.bus.posting import Limits
from chat.facts import Facts
from chat.standing import Standing
from streaming.bus.layout import Call
from streaming.bus.redis import AsyncValkey

PEOPLE = 1_000


async def validate(url: str, count: int) -> int:
    """Messages per CPU second of Valkey that the posting call takes.

    From 1,000 people, each with words of its own, in 1,000 rooms, so that no limit and no sampling saves work.
    """
    valkey = AsyncValkey(url)
    people = [
        (f"0190cccc-0000-7000-8000-{number:012x}", Standing(user=f"u{number}", login="some", color="#000000").pack())
        for number in range(PEOPLE)
    ]
    for room, packed in people:
        await valkey.run(rooms.put_facts(Facts(room=room, login="bench", revision=1, emotes={})))
        await valkey.run(rooms.put_standing(room, "u", changes=0, packed=packed))
    limits = Limits(count=20, window_ms=30_000, repeat_ms=30_000)
    before = await _cpu_s(valkey)
    for first in range(0, count, PEOPLE):
        calls = [
            posting.post(
                room,
                user="u",
                revision=1,
                standing=packed,
                text=f"words {first}",
                body=BODY,
                limits=limits,
                epoch="0" * 15,
            )
            for room, packed in people[: count - first]
        ]
        assert all(one.shown for one in await valkey.run_all(calls))
    spent = await _cpu_s(valkey) - before
    await valkey.aclose()
    return int(count / spent)


async def _cpu_s(valkey: AsyncValkey) -> float:
    info: str = await valkey.run(Call(arguments=("INFO", "cpu"), parse=lambda reply: reply.decode()))
    facts = dict(line.split(":") for line in info.split() if ":" in line)
    return float(facts["used_cpu_user"]) + float(facts["used_cpu_sys"])
