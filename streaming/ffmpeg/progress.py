"""ffmpeg's reports about itself (`-progress`): lines of `name=value`, of which the quantisers are read. Pure."""

from __future__ import annotations

import re

MAX_LINE = 4_096
_QUANTISER = re.compile(rb"stream_(\d+)_0_q=(\d+(?:\.\d+)?)\s*")


class ProgressReader:
    """Bytes in; the mean quantiser of each output file, by its number, out. Holds at most one line."""

    def __init__(self) -> None:
        self._rest = b""
        self._sums: dict[int, tuple[float, int]] = {}

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the reports."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-MAX_LINE:]
        for line in lines:
            # An encoder that has not told yet counts as -1, which is not matched.
            found = _QUANTISER.fullmatch(line)
            if found is not None:
                output = int(found.group(1))
                total, count = self._sums.get(output, (0.0, 0))
                self._sums[output] = total + float(found.group(2)), count + 1

    def quantisers(self) -> dict[int, float]:
        """The means since this was last asked."""
        means = {output: total / count for output, (total, count) in self._sums.items()}
        self._sums.clear()
        return means
