"""What a broadcast's viewers make of its ladder: when which renditions are wanted, by the policy that decides for live
broadcasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streaming.media import SOURCE, Description
from workers.cost import encoding
from workers.ladder import FEW, IDLE_MS, MANY, Asked, Audience, Policy, rungs_of, wanted_now

Visit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Change:
    """From `at_ms` on these renditions are wanted, and so many play each of them."""

    at_ms: int
    wanted: frozenset[str]
    viewers: int
    of: Mapping[str, int]


@dataclass(slots=True)
class Ladder:
    """One policy's course through a broadcast: its changes, and what they cost in pixels."""

    policy: Policy
    costs: Mapping[str, int]
    changes: list[Change] = field(default_factory=list)
    pixels: int = 0

    @property
    def running(self) -> frozenset[str]:
        return self.changes[-1].wanted if self.changes else frozenset()

    def note(self, at_ms: int, wanted: frozenset[str], viewers: int, of: Mapping[str, int]) -> None:
        """The policy wants this now."""
        if wanted != self.running:
            self._account(at_ms)
            self.changes.append(Change(at_ms, wanted, viewers, dict(of)))

    def end(self, at_ms: int) -> None:
        """The broadcast is over."""
        self._account(at_ms)

    def _account(self, at_ms: int) -> None:
        if self.changes:
            rate = sum(self.costs[name] for name in self.running)
            self.pixels += rate * (at_ms - self.changes[-1].at_ms) // 1000


class Course:
    """A broadcast from its start to its end under each policy."""

    def __init__(self, description: Description, start_ms: int, end_ms: int, policies: Iterable[Policy]) -> None:
        costs = {each.name: encoding(each) for each in rungs_of(description)}
        self.full_pixels = sum(costs.values()) * (end_ms - start_ms) // 1000
        """What the whole ladder would have cost."""
        self.ladders = {policy: Ladder(policy, costs) for policy in policies}
        self._description = description
        self._end_ms = end_ms
        self._counts = dict.fromkeys([*costs, SOURCE], 0)
        self._left: dict[str, int] = {}
        """When the last viewer of a rendition without any left it."""
        self._total = 0
        self._judge(start_ms)

    def play(self, visits: Iterable[Visit]) -> None:
        """Lets the viewers come and go. The policies are asked wherever their answer may change."""
        names = list(self._counts)
        number = {name: at for at, name in enumerate(names)}
        width = 2 * len(names)
        steps: list[int] = []
        for comes, goes, name in visits:
            at = number[name] * 2
            steps += (comes * width + at + 1, goes * width + at)
        steps.sort()
        counts, end = self._counts, self._end_ms
        for step in steps:
            now, what = divmod(step, width)
            if now >= end:
                break
            name = names[what >> 1]
            if self._left:
                self._rest(now)
            count = counts[name]
            if what & 1:
                counts[name] = count + 1
                self._total += 1
                if (count == 0 and name != SOURCE and self._left.pop(name, None) is None) or self._total == MANY:
                    self._judge(now)
            else:
                counts[name] = count - 1
                self._total -= 1
                if count == 1 and name != SOURCE:
                    self._left[name] = now
                if self._total == FEW - 1:
                    self._judge(now)
        self._rest(end)
        for ladder in self.ladders.values():
            ladder.end(end)

    def _rest(self, now: int) -> None:
        """Asks the policies at each moment, up to now, when a rendition has been idle for long enough."""
        for name, at in list(self._left.items()):
            if at + IDLE_MS <= now:
                self._judge(at + IDLE_MS)
                del self._left[name]

    def _judge(self, now: int) -> None:
        wanted = {name: now for name, count in self._counts.items() if count} | self._left
        audience = Audience(self._total, self._counts)
        for policy, ladder in self.ladders.items():
            asked = Asked(wanted, now, audience, ladder.running)
            ladder.note(now, wanted_now(self._description, asked, policy), self._total, self._counts)
