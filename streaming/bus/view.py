"""A broadcast's segment tasks as the bus knows them at one moment: all that a decision about them needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streaming.bus.layout import NOW, Call, Progress, Script, key
from streaming.media import SOURCE

_OBSERVE = Script(
    NOW
    + """
local now = now_ms()
local newest = -1
local source = redis.call('HGET', KEYS[2], ARGV[1])
if source then newest = tonumber(source:match('^(%d+)')) end
-- What every running rendition has behind it needs no more looking at, but for the last of it.
local running = redis.call('HGETALL', KEYS[3])
local needed = newest - 1
for i = 1, #running, 2 do
  local reached = redis.call('HGET', KEYS[2], running[i])
  needed = math.min(needed, reached and tonumber(reached:match('^(%d+)')) - 1 or tonumber(running[i + 1]))
end
local tasks = {}
for msn = math.max(0, newest - tonumber(ARGV[2]), needed), newest do
  local fields = redis.call('HGETALL', KEYS[1] .. string.format('%.0f', msn))
  if #fields > 0 then tasks[#tasks + 1] = {string.format('%.0f', msn), fields} end
end
local oldest = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')
return {decimal(now), redis.call('HGETALL', KEYS[2]), running,
        redis.call('HGETALL', KEYS[4]), tasks, oldest[2] or '0', redis.call('HGETALL', KEYS[6]),
        redis.call('HGETALL', KEYS[7])}
"""
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a segment. Times are the bus's ms; `claimed_ms` is None before a worker took it; `crashed` says that
    it failed by its encoder, `again` that it took another's place; `standby` are the renditions it waits to take."""

    token: str
    device: str
    ordered_ms: int
    claimed_ms: int | None = None
    instance: str = ""
    failed: str = ""
    again: bool = False
    crashed: bool = False
    standby: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Task:
    """A segment's attempts, its renditions' newest tokens and deadlines (ms), which of them are done, and why others
    were given up."""

    msn: int
    tokens: dict[str, str] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    attempts: dict[str, Attempt] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)
    second: str = ""
    """The token of the standby that was ordered, whatever became of it."""

    @property
    def tries(self) -> int:
        """How many attempts were ordered, those left out that only stand by."""
        return sum(not each.standby for each in self.attempts.values())

    @property
    def begun(self) -> int:
        """How many of them a worker began."""
        return sum(each.claimed_ms is not None and not each.standby for each in self.attempts.values())


@dataclass(frozen=True, slots=True)
class View:
    """A broadcast as the bus knows it at `now_ms`: all that a decision about its tasks needs. `oldest_msn` is the
    source's first segment on this bus; `refused` says when a rendition was refused last, `since` which segment an idle
    one is asked to begin with."""

    now_ms: int
    progress: dict[str, Progress]
    running: dict[str, int]
    wanted: dict[str, int]
    tasks: dict[int, Task]
    oldest_msn: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)


def observe(broadcast: str, *, segments: int) -> Call[View]:
    """What is going on in a broadcast, with the tasks of its newest `segments` and the current one.

    Of those that all running renditions have behind them only the last is read: a dispatcher looks often.
    """

    def parse(reply: list[Any]) -> View:
        now_ms, progress, running, wanted, tasks, oldest, refused, since = reply
        return View(
            now_ms=int(now_ms),
            progress={name: Progress.unpack(packed.encode()) for name, packed in _pairs(progress)},
            running={name: int(msn) for name, msn in _pairs(running)},
            wanted={name: int(at) for name, at in _pairs(wanted)},
            tasks={int(msn): _task(int(msn), dict(_pairs(fields))) for msn, fields in tasks},
            oldest_msn=int(oldest),
            refused={name: int(at) for name, at in _pairs(refused)},
            since={name: int(msn) for name, msn in _pairs(since)},
        )

    return Call(
        arguments=(SOURCE, segments),
        parse=parse,
        script=_OBSERVE,
        keys=(
            key(broadcast, "task", ""),
            key(broadcast, "progress"),
            key(broadcast, "running"),
            key(broadcast, "wanted"),
            key(broadcast, "index", SOURCE),
            key(broadcast, "refused"),
            key(broadcast, "since"),
        ),
    )


def _task(msn: int, fields: dict[str, str]) -> Task:
    by_kind: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        kind, _, of = name.partition(":")
        by_kind.setdefault(kind, {})[of] = value
    claimed, instances, failed = (by_kind.get(kind, {}) for kind in ("claimed", "instance", "failed"))
    return Task(
        msn=msn,
        tokens=by_kind.get("token", {}),
        deadlines={rendition: int(at) for rendition, at in by_kind.get("deadline", {}).items()},
        done=frozenset(by_kind.get("done", {})),
        attempts={
            token: Attempt(
                token=token,
                device=device,
                ordered_ms=int(by_kind["ordered"][token]),
                claimed_ms=int(claimed[token]) if token in claimed else None,
                instance=instances.get(token, ""),
                failed=failed.get(token, ""),
                again=token in by_kind.get("again", {}),
                crashed=token in by_kind.get("crashed", {}),
                standby=frozenset(by_kind.get("standby", {}).get(token, "").split()),
            )
            for token, device in by_kind.get("device", {}).items()
        },
        noted=by_kind.get("noted", {}),
        second=fields.get("second", ""),
    )


def _pairs(reply: list[bytes]) -> list[tuple[str, str]]:
    texts = [part.decode() for part in reply]
    return list(zip(texts[::2], texts[1::2], strict=True))
