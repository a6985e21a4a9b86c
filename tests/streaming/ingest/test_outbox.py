from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from streaming.bus.layout import Call, nothing
from streaming.ingest import outbox
from streaming.ingest.errors import OutboxFull
from streaming.ingest.outbox import Outbox


def call(number: int) -> Call[None]:
    return Call(arguments=(number,), parse=nothing)


class Bus:
    """A bus that takes calls only while it is open."""

    def __init__(self) -> None:
        self.taken: list[list[Any]] = []
        self.open = asyncio.Event()

    async def run_all(self, calls: Sequence[Call[Any]]) -> list[Any]:
        await self.open.wait()
        self.taken.append([call.arguments[0] for call in calls])
        return []


async def test_what_waits_goes_out_together_and_in_order() -> None:
    bus = Bus()
    box = Outbox(bus)
    for number in range(3):
        box.put(call(number))
    box.close()
    bus.open.set()
    await box.run()
    assert bus.taken == [[0, 1, 2]]


async def test_closing_waits_for_what_is_left() -> None:
    bus = Bus()
    box = Outbox(bus)
    box.put(call(0))
    running = asyncio.create_task(box.run())
    await asyncio.sleep(0)
    box.put(call(1))
    box.close()
    bus.open.set()
    await running
    assert [number for calls in bus.taken for number in calls] == [0, 1]


@pytest.mark.parametrize(("count", "size"), [(outbox.MAX_CALLS + 1, 0), (3, outbox.MAX_BYTES // 2)])
async def test_beyond_its_bounds_everything_is_dropped_and_said(count: int, size: int) -> None:
    bus = Bus()
    box = Outbox(bus)
    for number in range(count):
        box.put(call(number), size)
    assert box.full
    bus.open.set()
    with pytest.raises(OutboxFull):
        await box.run()
    box.put(call(7))
    box.close()
    await box.run()
    assert bus.taken[-1] == [7]
