"""What the terminal shows: every line of every program behind the program's name, in its colour."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO

COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93", "95", "94")
"""SGR parameters of ECMA-48; red is left for what the supervisor itself has to complain about."""


class Console:
    """A writer of prefixed lines.

    `on_closed` is called when the terminal or pipe has gone: there is nobody left to run for.
    """

    def __init__(self, names: list[str], *, stream: TextIO = sys.stdout, colour: bool | None = None) -> None:
        self.stream = stream
        self.colour = stream.isatty() if colour is None else colour
        self.width = max(map(len, names), default=0)
        self.colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
        self.closed = False
        self.on_closed: Callable[[], None] = lambda: None

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<{self.width}} |"
        if self.colour:
            prefix = f"\x1b[{self.colours.get(name, '1')}m{prefix}\x1b[0m"
        self.write(f"{prefix} {text}")

    def warn(self, name: str, text: str) -> None:
        self.line(name, f"\x1b[1;31m{text}\x1b[0m" if self.colour else text)

    def write(self, text: str) -> None:
        """Prints a line; once the stream has failed, nothing more."""
        if self.closed:
            return
        try:
            self.stream.write(text + "\n")
            self.stream.flush()
        except OSError:  # EPIPE of a closed pipe, EIO of a closed terminal
            self.closed = True
            self.on_closed()
