"""How a message gets to each server under measurement."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from channels_redis.core import RedisChannelLayer

from bench.rooms import numbered
from chat.bus import posting
from chat.bus.layout import MESSAGE
from streaming.bus.layout import Call
from streaming.bus.redis import AsyncValkey

BODY = (
    '"type":"message","user":{"id":"0190aaaa-0000-7000-8000-00000000000a","login":"somebody","name":"somebody",'
    '"color":"#1e90ff","badges":["subscriber"]},"text":"what a play, what a play! hrWave",'
    '"emotes":[["g-hrwave",26,31]]}'
)

Send = Callable[[int], Awaitable[list[str]]]
"""Sends so many messages at once; answers their keys, as `listeners` counts them."""


@contextlib.asynccontextmanager
async def senders(url: str, *, rooms: int = 1) -> AsyncIterator[Mapping[str, Send]]:
    """A way in for each kind of server. `rooms` sends to numbered rooms, one after another in a random order."""
    valkey = AsyncValkey(url)
    layer = RedisChannelLayer(hosts=[url], capacity=100_000)
    numbers = iter(range(1, 10**9))
    order = random.Random(1).sample(range(rooms), rooms)
    turn = 0

    async def ours(count: int) -> list[str]:
        nonlocal turn
        chosen = [order[(turn + step) % rooms] for step in range(count)]
        turn += count
        posted = await valkey.run_all(
            [posting.append(numbered.room(room), body=BODY, epoch="0" * 15, kind=MESSAGE) for room in chosen]
        )
        return [f"{room}:{offset}" for room, (_, offset) in zip(chosen, posted, strict=True)]

    async def stock(count: int) -> list[str]:
        made = [next(numbers) for _ in range(count)]
        for number in made:
            await layer.group_send("bench", {"type": "chat.message", "text": _record(number)})
        return [f"0:{number}" for number in made]

    async def node(count: int) -> list[str]:
        made = [next(numbers) for _ in range(count)]
        await valkey.run_all(
            [Call(arguments=("PUBLISH", "bench", _record(number)), parse=lambda _reply: None) for number in made]
        )
        return [f"0:{number}" for number in made]

    try:
        yield {"ours": ours, "stock": stock, "node": node, "socket.io": node, "bare": node}
    finally:
        await layer.close_pools()
        await valkey.aclose()


def _record(number: int) -> str:
    return f'{{"offset":{number},"ts":{int(time.time() * 1000)},"id":"{numbered.room(0)}",{BODY}'
