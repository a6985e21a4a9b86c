"""How hard a broadcast is to encode, and what bit rate it is given for that.

The encoder tells which quantiser it needs to keep its bit rate. Corrected for the bits that a rung has for each pixel,
that is about the same for every rung and every bit rate: some 0 to 18 for a still picture or a talking head, 22 to 30
for most, above 33 for what moves all over. The first get 30 % less, the last 20 % more.

The rate moves by one step at a time and only between segments, for each step costs a new encoder.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import log2
from statistics import fmean

from streaming.ladder import LEAST_EFFORT, MOST_EFFORT, Rung

STEPS = (LEAST_EFFORT, 0.85, 1.0, 1.1, MOST_EFFORT)
"""Shares of a rung's nominal bit rate."""
NOMINAL = STEPS.index(1.0)
CALM, NO_LONGER_CALM = 19.0, 22.0
WILD, NO_LONGER_WILD = 33.0, 30.0
"""Where the target changes, and where it changes back."""
SEGMENTS = 3
"""Over so many segments the quantiser is averaged; no step before so many were seen."""
STEP_SECONDS = 10.0
"""The least time between two steps of a broadcast."""
BROADCASTS = 256
"""How many are remembered; more than a device carries at a time."""

_REFERENCE = 0.1
"""Bits per pixel to which quantisers are reduced; 6 more halve the bits (H.264's scale)."""


def difficulty(quantisers: Mapping[str, float], rungs: Mapping[str, Rung]) -> float | None:
    """The mean quantiser that the rungs would need at one bit in ten pixels; None without any."""
    found = [
        quantiser + 6 * log2(rungs[name].bitrate / rungs[name].pixel_rate / _REFERENCE)
        for name, quantiser in quantisers.items()
        if name in rungs
    ]
    return fmean(found) if found else None


@dataclass(slots=True)
class _Broadcast:
    step: int = NOMINAL
    target: int = NOMINAL
    stepped_at: float = float("-inf")
    seen: deque[float] = field(default_factory=lambda: deque(maxlen=SEGMENTS))


class Motions:
    """The bit rates of the broadcasts on one device. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._broadcasts: OrderedDict[str, _Broadcast] = OrderedDict()
        self._lock = threading.Lock()

    def rungs(self, broadcast: str, rungs: Mapping[str, Rung], *, may_step: bool) -> dict[str, Rung]:
        """The rungs with the bit rates for the segment that begins now.

        `may_step` says that it begins with an IDR, so that another encoder can.
        """
        with self._lock:
            found = self._broadcasts.get(broadcast)
            if found is None:
                return dict(rungs)
            if may_step:
                self._step(found)
            share = STEPS[found.step]
        return {name: replace(rung, bitrate=int(rung.bitrate * share)) for name, rung in rungs.items()}

    def measured(self, broadcast: str, quantisers: Mapping[str, float], rungs: Mapping[str, Rung]) -> None:
        """Takes what the encoder needed for a segment, with the rungs as it had them."""
        needed = difficulty(quantisers, rungs)
        if needed is None:
            return
        with self._lock:
            found = self._broadcasts.setdefault(broadcast, _Broadcast())
            self._broadcasts.move_to_end(broadcast)
            found.seen.append(needed)
            if len(self._broadcasts) > BROADCASTS:
                self._broadcasts.popitem(last=False)

    def _step(self, found: _Broadcast) -> None:
        if len(found.seen) < SEGMENTS or self._clock() - found.stepped_at < STEP_SECONDS:
            return
        found.target = _target(fmean(found.seen), found.target)
        if found.target != found.step:
            found.step += 1 if found.target > found.step else -1
            found.stepped_at = self._clock()


def _target(needed: float, before: int) -> int:
    if needed < (NO_LONGER_CALM if before == 0 else CALM):
        return 0
    if needed > (NO_LONGER_WILD if before == len(STEPS) - 1 else WILD):
        return len(STEPS) - 1
    return NOMINAL
