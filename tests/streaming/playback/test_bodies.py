from __future__ import annotations

from streaming.playback.bodies import Bodies, BodyName


def name(number: int, broadcast: str = "b") -> BodyName:
    return BodyName(broadcast, "source", b"%d" % number, b"%d" % number)


def test_what_was_asked_for_last_stays() -> None:
    bodies = Bodies(limit=30)
    for number in range(3):
        bodies.put(name(number), b"x" * 10)
    bodies.get(name(0))
    bodies.put(name(3), b"x" * 10)
    assert [bodies.get(name(number)) is not None for number in range(4)] == [True, False, True, True]
    assert bodies.size == 30


def test_a_body_beyond_the_limit_is_not_kept() -> None:
    bodies = Bodies(limit=30)
    bodies.put(name(0), b"x" * 31)
    assert bodies.get(name(0)) is None
    assert bodies.size == 0


def test_putting_again_counts_once() -> None:
    bodies = Bodies(limit=30)
    bodies.put(name(0), b"x" * 20)
    bodies.put(name(0), b"x" * 20)
    assert bodies.size == 20


def test_a_broadcast_is_forgotten_as_a_whole() -> None:
    bodies = Bodies(limit=30)
    bodies.put(name(0), b"x" * 10)
    bodies.put(name(0, "other"), b"x" * 10)
    bodies.forget("b")
    assert bodies.get(name(0)) is None
    assert bodies.get(name(0, "other")) is not None
    assert bodies.size == 10
