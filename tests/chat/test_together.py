"""One look-up for all who ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chat.together import Together


class Lookup:
    """Doubles numbers, when it is let go on; knows nothing of odd ones."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.go = asyncio.Event()

    async def __call__(self, keys: Sequence[int]) -> dict[int, int]:
        self.calls.append(list(keys))
        await self.go.wait()
        if 13 in keys:
            raise ValueError("13")
        return {key: key * 2 for key in keys if key % 2 == 0}


async def test_the_first_goes_at_once_and_those_after_it_together() -> None:
    look_up = Lookup()
    together = Together(look_up, most=3)
    asking = [asyncio.create_task(together.ask(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking += [asyncio.create_task(together.ask(number)) for number in (2, 3, 2, 4, 6)]
    await asyncio.sleep(0)
    look_up.go.set()
    assert await asyncio.gather(*asking) == [0, 4, None, 4, 8, 12]
    assert look_up.calls == [[0], [2, 3, 4], [6]]
    assert await together.ask(8) == 16


async def test_a_failure_is_theirs_who_asked_and_not_of_those_after_them() -> None:
    look_up = Lookup()
    look_up.go.set()
    together = Together(look_up)
    with pytest.raises(ValueError, match="13"):
        await together.ask(13)
    assert await together.ask(2) == 4


async def test_one_who_goes_takes_no_answer_from_another() -> None:
    look_up = Lookup()
    together = Together(look_up)
    gone, stays = asyncio.create_task(together.ask(2)), asyncio.create_task(together.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    look_up.go.set()
    assert await stays == 4
