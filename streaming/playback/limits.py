"""How often one address may report."""

from __future__ import annotations

from collections import OrderedDict


class Allowance:
    """At most `times` per `seconds` for each name. Remembers `names` names, those that came last."""

    def __init__(self, times: int, seconds: float, *, names: int = 50_000) -> None:
        self._times = times
        self._seconds = seconds
        self._names = names
        self._used: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, name: str, now: float) -> bool:
        """Whether there was one left. `now` in seconds of any steady clock."""
        since, used = self._used.get(name, (now, 0))
        if now - since >= self._seconds:
            since, used = now, 0
        if used >= self._times:
            return False
        self._used[name] = (since, used + 1)
        self._used.move_to_end(name)
        if len(self._used) > self._names:
            self._used.popitem(last=False)
        return True
