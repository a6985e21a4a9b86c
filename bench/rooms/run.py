"""One measurement: messages at a pace to a crowd, and what of them came, when, at what cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench import report
from bench.rooms.crowd import Crowd, Heard
from bench.rooms.messages import Send
from bench.rooms.server import Server

COLUMNS = [
    *("server", "sockets", "pace", "deliveries/CPU s", "lost", "doubled", "late ms p50", "p99", "KiB/socket"),
    "accepted/s",
]
SETTLE_S = 15.0
"""How long after the last message stragglers are waited for; what has not come then counts as lost."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` messages at once, `bursts` times, each `every_s`."""

    burst: int
    every_s: float
    bursts: int

    @classmethod
    def steady(cls, a_second: int, seconds: float) -> Pace:
        return cls(1, 1 / a_second, int(a_second * seconds))

    def __str__(self) -> str:
        return f"{self.burst} each {self.every_s:g} s" if self.burst > 1 else f"{1 / self.every_s:.0f}/s"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. `late_ms` is from before a message is sent until its last socket has it."""

    server: str
    sockets: int
    pace: str
    deliveries: int
    lost: int
    doubled: int
    frames: int
    hung_up: int
    cpu_s: float
    late_ms_p50: float
    late_ms_p99: float
    kib_a_socket: float
    accepted_a_second: float

    @property
    def per_cpu_second(self) -> int:
        return int(self.deliveries / self.cpu_s) if self.cpu_s else 0

    def row(self) -> list[object]:
        return [
            self.server,
            self.sockets,
            self.pace,
            f"{self.per_cpu_second:,}",
            self.lost,
            self.doubled,
            round(self.late_ms_p50),
            round(self.late_ms_p99),
            round(self.kib_a_socket, 1),
            round(self.accepted_a_second),
        ]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"per_cpu_second": self.per_cpu_second}


async def measure(
    name: str,
    servers: Sequence[Server],
    crowds: Sequence[Crowd],
    send: Send,
    pace: Pace,
    *,
    a_room: int,
    kib_a_socket: float,
) -> Run:
    """Sends at a pace to rooms with `a_room` sockets each."""
    sockets = sum(crowd.sockets for crowd in crowds)
    await _heard(crowds, Heard())
    cpu = sum(server.cpu_s for server in servers)
    sent_at: dict[str, float] = {}
    began = time.perf_counter()
    for number in range(pace.bursts):
        await asyncio.sleep(max(0.0, began + number * pace.every_s - time.perf_counter()))
        now = time.time()
        sent_at |= dict.fromkeys(await send(pace.burst), now)
    heard = Heard()
    async with asyncio.timeout(SETTLE_S * 4):
        until = time.perf_counter() + SETTLE_S
        while heard.deliveries < len(sent_at) * a_room and time.perf_counter() < until:
            await asyncio.sleep(1)
            await _heard(crowds, heard)
    cpu = sum(server.cpu_s for server in servers) - cpu
    late = [(heard.last_at[key] - at) * 1000 for key, at in sent_at.items() if key in heard.last_at] or [0.0]
    return Run(
        server=name,
        sockets=sockets,
        pace=str(pace),
        deliveries=heard.deliveries,
        lost=len(sent_at) * a_room - sum(heard.counts[key] for key in sent_at),
        doubled=heard.doubled,
        frames=heard.frames,
        hung_up=heard.hung_up,
        cpu_s=cpu,
        late_ms_p50=report.percentile(late, 0.5),
        late_ms_p99=report.percentile(late, 0.99),
        kib_a_socket=kib_a_socket,
        accepted_a_second=sockets / max(crowd.ready_s for crowd in crowds),
    )


async def _heard(crowds: Sequence[Crowd], heard: Heard) -> None:
    for told in await asyncio.gather(*(crowd.heard() for crowd in crowds)):
        heard.add(told)
