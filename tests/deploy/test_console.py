"""What the terminal shows."""

from __future__ import annotations

import io

from deploy.local.console import Console


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_prefixes_are_aligned() -> None:
    stream = io.StringIO()
    console = Console(["web", "dispatcher"], stream=stream)
    console.line("web", "up")
    console.line("dispatcher", "up")
    assert stream.getvalue() == "web        | up\ndispatcher | up\n"


def test_each_name_has_its_colour_on_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(["web", "ingest"], stream=stream, colour=True)
    console.line("web", "up")
    console.line("ingest", "up")
    first, second = stream.getvalue().splitlines()
    assert first.split("m")[0] != second.split("m")[0]


def test_tells_once_that_the_terminal_has_gone() -> None:
    calls = []
    console = Console(["web"], stream=Gone())
    console.on_closed = lambda: calls.append(1)
    console.line("web", "up")
    console.line("web", "still up")
    assert calls == [1]
