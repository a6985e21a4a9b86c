"""Which rungs a source has, and what they are."""

from __future__ import annotations

import pytest

from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, Rendition


def source(width: int, height: int, frame_rate: int = 30_000, codecs: str = "avc1.64001F") -> Rendition:
    return Rendition(SOURCE, codecs, 0, VIDEO_TIMESCALE, width, height, frame_rate)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (source(1920, 1080, 60_000), ["720p60", "720p30", "480p", "360p", "160p"]),
        (source(1920, 1080), ["720p30", "480p", "360p", "160p"]),
        (source(1280, 720, 60_000), ["720p30", "480p", "360p", "160p"]),
        (source(1280, 720), ["480p", "360p", "160p"]),
        (source(2560, 1440, 60_000), ["1080p60", "720p60", "720p30", "480p", "360p", "160p"]),
        (source(640, 360), ["160p"]),
        (source(284, 160), []),
        (source(100, 100), []),
        (source(1920, 1080, 50_000), ["720p50", "720p25", "480p", "360p", "160p"]),
    ],
)
def test_rungs_never_exceed_or_repeat_the_source(given: Rendition, names: list[str]) -> None:
    assert [rung.name for rung in ladder(given)] == names


def test_a_source_that_not_every_browser_plays_has_a_rung_of_its_size() -> None:
    assert ladder(source(1280, 720, codecs="hvc1.1.6.L93.B0"))[0].name == "720p30"
    assert ladder(source(1920, 1080, 60_000, "av01.0.09M.08"))[0].name == "1080p60"


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (source(1280, 720), (854, 480)),
        (source(720, 1280), (480, 854)),
        (source(2560, 1080), (1138, 480)),
        (source(960, 720), (640, 480)),
    ],
)
def test_the_aspect_ratio_is_kept_in_even_sizes(given: Rendition, size: tuple[int, int]) -> None:
    rung = next(rung for rung in ladder(given) if rung.name == "480p")
    assert (rung.width, rung.height) == size


@pytest.mark.parametrize(
    ("rate", "every", "left"),
    [
        (24_000, 1, 24_000),
        (29_970, 1, 29_970),
        (30_000, 1, 30_000),
        (50_000, 2, 25_000),
        (59_940, 2, 29_970),
        (120_000, 4, 30_000),
    ],
)
def test_small_rungs_have_at_most_30_frames(rate: int, every: int, left: int) -> None:
    rung = ladder(source(1920, 1080, rate))[-1]
    assert (rung.every, rung.frame_rate) == (every, left)


def test_an_unknown_rate_is_taken_for_30() -> None:
    assert [rung.every for rung in ladder(source(1280, 720, 0))] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "codecs"),
    [("1080p60", "avc1.64002A"), ("720p60", "avc1.640020"), ("480p", "avc1.64001F"), ("360p", "avc1.4D401E")],
)
def test_profile_and_level_are_pinned(name: str, codecs: str) -> None:
    assert next(rung for rung in ladder(source(2560, 1440, 60_000)) if rung.name == name).rendition.codecs == codecs
