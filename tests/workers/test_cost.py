"""What broadcasts are taken to cost."""

from __future__ import annotations

from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition
from workers.cost import DECODING, TASK, cost, encoding, upkeep


def described(width: int, height: int, rate: int) -> Description:
    source = Rendition(SOURCE, "avc1.64002A", 0, VIDEO_TIMESCALE, width, height, rate * 1000)
    return Description("b", BroadcastState.LIVE, 2, 400, (source, *(rung.rendition for rung in ladder(source))))


def test_what_runs_is_encoded_and_its_source_decoded() -> None:
    description = described(1280, 720, 30)
    assert upkeep(description) == TASK + int(DECODING * 1280 * 720 * 30)
    assert cost(description, ["480p", "160p"]) == upkeep(description) + (854 * 480 + 284 * 160) * 30


def test_where_nothing_runs_nothing_is_decoded() -> None:
    assert cost(described(1280, 720, 30), []) == 0


def test_a_lone_small_rung_of_a_large_source_is_dear() -> None:
    large = described(1920, 1080, 60)
    small = next(each for each in large.renditions if each.name == "160p")
    assert cost(large, ["160p"]) > 25 * encoding(small)
