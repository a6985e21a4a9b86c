from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.bus.demand import REACH
from streaming.media import SOURCE, Chunk, Closes
from streaming.playback.bodies import Bodies, BodyName
from streaming.playback.followed import FollowedRendition
from tests.streaming.bus.chunks import chunk, segment
from tests.streaming.playback.publisher import RENDITIONS


def followed_rendition(bodies: Bodies) -> FollowedRendition:
    return FollowedRendition("b", RENDITIONS[0], bodies, part_target_ms=400, now=0.0)


def body(followed: FollowedRendition, bodies: Bodies, msn: int, part: int) -> bytes | None:
    entries = followed.window.part(msn, part)
    assert entries is not None
    return bodies.get(BodyName("b", SOURCE, entries.first, entries.last))


STEPS = st.tuples(
    st.sampled_from(["same part", "next part", "next segment", "hole", "back"]), st.sampled_from(Closes), st.booleans()
)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_whatever_comes_all_that_is_listed_can_be_loaded(steps: list[tuple[str, Closes, bool]]) -> None:
    followed = followed_rendition(Bodies())
    msn, part = 5, 0
    for number, (step, closes, has_data) in enumerate(steps):
        msn, part = {
            "same part": (msn, part),
            "next part": (msn, part + 1),
            "next segment": (msn + 1, 0),
            "hole": (msn + 3, part),
            "back": (max(0, msn - 2), 0),
        }[step]
        one = replace(chunk(msn, part), closes=closes)
        followed.take(b"%d-0" % number, one, len(one.data), has_data=has_data)
        for listed in followed.timeline.segments:
            entries = followed.window.segments[listed.msn]
            assert entries.whole == listed.closed
            assert [known.whole for known in entries.parts][: len(listed.parts)] == [True] * len(listed.parts)
            assert sum(known.whole for known in entries.parts) == len(listed.parts)


def test_a_part_is_kept_when_it_is_announced_to_be_whole() -> None:
    bodies = Bodies()
    followed = followed_rendition(bodies)
    followed.take_all([(b"1-0", chunk(0, 0))])
    assert body(followed, bodies, 0, 0) == chunk(0, 0).data


def test_a_part_that_ends_unannounced_is_kept_too() -> None:
    bodies = Bodies()
    followed = followed_rendition(bodies)
    opened = replace(chunk(0, 0), closes=Closes.NOTHING)
    followed.take_all([(b"1-0", opened), (b"2-0", opened), (b"3-0", chunk(0, 1))])
    assert body(followed, bodies, 0, 0) == 2 * opened.data


def test_the_last_part_of_a_broadcast_is_kept() -> None:
    bodies = Bodies()
    followed = followed_rendition(bodies)
    followed.take_all([(b"1-0", replace(chunk(0, 0), closes=Closes.NOTHING))])
    followed.close()
    assert body(followed, bodies, 0, 0) == chunk(0, 0).data


def test_a_part_that_is_not_here_from_its_start_is_not_kept() -> None:
    bodies = Bodies()
    followed = followed_rendition(bodies)
    opened: Chunk = replace(chunk(0, 0), closes=Closes.NOTHING)
    followed.take(b"1-0", opened, len(opened.data), has_data=False)
    followed.take_all([(b"2-0", chunk(0, 0)), (b"3-0", chunk(0, 1))])
    assert body(followed, bodies, 0, 0) is None
    assert body(followed, bodies, 0, 1) == chunk(0, 1).data


def test_behind_a_hole_the_playlist_begins_anew_and_its_version_goes_on() -> None:
    followed = followed_rendition(Bodies())
    followed.take_all([(b"%d-0" % number, one) for number, one in enumerate([*segment(0), *segment(1)])])
    before = followed.timeline.version
    followed.take_all([(b"20-0", chunk(7, 0))])
    assert [one.msn for one in followed.timeline.segments] == [7]
    assert followed.timeline.version > before


def ladder_rendition(*, runs_from: int | None, holds: int | None = None) -> FollowedRendition:
    followed = FollowedRendition("b", RENDITIONS[1], Bodies(), part_target_ms=400, now=0.0)
    followed.runs_from = runs_from
    if holds is not None:
        followed.take_all((b"%d-0" % part, each) for part, each in enumerate(segment(holds)))
    return followed


def test_a_segment_is_due_from_where_its_rendition_can_begin_to_where_the_source_is() -> None:
    def due(followed: FollowedRendition) -> list[int]:
        return [msn for msn in range(24) if followed.is_due(msn, 20)]

    assert due(ladder_rendition(runs_from=None)) == list(range(20 - REACH, 21))
    assert due(ladder_rendition(runs_from=18)) == [18, 19, 20]
    assert due(ladder_rendition(runs_from=18, holds=18)) == [19, 20]
    assert due(followed_rendition(Bodies())) == []
