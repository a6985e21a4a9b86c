"""Has a worker's device probed while the worker is at work already: at the start, and again after an encode error."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from workers.probe import Measured, ProbeFailed, ProbeLate

log = structlog.get_logger(__name__)

REST_SECONDS = 60.0
"""The least time between two probes, and how soon one that failed is repeated; one that was late, in a sixth of it."""

Probe = Callable[[], Measured]
Found = Callable[[Measured | None], None]
"""Takes what a probe measured; None: the device does not encode. A probe that came to no result changes nothing."""


class Prober(threading.Thread):
    """Probes at the start and when something is `suspect`, until `close`."""

    def __init__(self, name: str, probe: Probe, found: Found, *, rest_seconds: float = REST_SECONDS) -> None:
        super().__init__(name="prober", daemon=True)
        self._device = name
        self._probe = probe
        self._found = found
        self._rest = rest_seconds
        self._due = threading.Event()
        self._closed = threading.Event()

    def suspect(self) -> None:
        """An encoder failed on the device: is it still well?"""
        self._due.set()

    def run(self) -> None:
        while True:
            self._due.clear()
            again_in = self._once()
            if again_in is None:
                self._closed.wait(self._rest)
                self._due.wait()
            elif self._closed.wait(again_in):
                return
            if self._closed.is_set():
                return

    def _once(self) -> float | None:
        """Probes; answers in how many seconds to do so again, None: when there is reason to."""
        try:
            measured = self._probe()
        except ProbeLate as failure:
            log.warning("device.unmeasured", device=self._device, reason=str(failure))
            return self._rest / 6
        except ProbeFailed as failure:
            log.error("device.unfit", device=self._device, reason=str(failure))
            self._found(None)
            return self._rest
        except Exception:
            # A fault of the probe is none of the device's, and must not end this thread.
            log.exception("device.unmeasured", device=self._device)
            return self._rest
        log.info("device.measured", device=self._device, capacity=measured.capacity, ladders=measured.ladders)
        self._found(measured)
        return None

    def close(self) -> None:
        """Begins no other probe."""
        self._closed.set()
        self._due.set()
