"""What is remembered of segments that were given up."""

from __future__ import annotations

from streaming.bus import troubles
from streaming.bus.redis import Valkey


def test_a_segment_s_trouble_is_noted_once(thread_bus: Valkey) -> None:
    assert thread_bus.run(troubles.note("b", 7, "480p", "poisoned"))
    assert not thread_bus.run(troubles.note("b", 7, "480p", "too late"))
    assert thread_bus.run(troubles.note("b", 7, "160p", "too late"))
    found = thread_bus.run(troubles.recent("b"))
    assert [(each.msn, each.rendition, each.why) for each in found] == [
        (7, "160p", "too late"),
        (7, "480p", "poisoned"),
    ]


def test_only_the_last_are_remembered(thread_bus: Valkey) -> None:
    for msn in range(troubles.KEEP_TROUBLES + 5):
        thread_bus.run(troubles.note("b", msn, "480p", "poisoned"))
    found = thread_bus.run(troubles.recent("b"))
    assert [each.msn for each in found] == list(range(troubles.KEEP_TROUBLES + 4, 4, -1))
