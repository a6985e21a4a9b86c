"""Which renditions run."""

from __future__ import annotations

import pytest

from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition
from workers.cost import encoding
from workers.ladder import FEW, IDLE_MS, MANY, Asked, Audience, Policy, fitting, rungs_of, wanted_now

NOW = 1_000_000
WHOLE = ["720p60", "720p30", "480p", "360p", "160p"]
TIER = ["720p60", "480p"]


def described(codecs: str = "avc1.64002A", *, partner: bool = False) -> Description:
    source = Rendition(SOURCE, codecs, 6_000_000, VIDEO_TIMESCALE, 1920, 1080, 60_000)
    rungs = tuple(rung.rendition for rung in ladder(source))
    return Description("b", BroadcastState.LIVE, 2, 400, (source, *rungs), partner)


def runs(
    policy: Policy,
    *,
    wanted: dict[str, int] | None = None,
    viewers: int = 0,
    running: tuple[str, ...] = (),
    description: Description | None = None,
) -> list[str]:
    asked = Asked(wanted or {}, NOW, Audience(viewers), running)
    found = wanted_now(description or described(), asked, policy)
    return [name for name in ("1080p60", *WHOLE) if name in found]


def test_on_demand_what_somebody_watches_runs_and_a_while_longer() -> None:
    assert runs(Policy.DEMAND) == []
    assert runs(Policy.DEMAND, wanted={"480p": NOW - IDLE_MS + 1, "360p": NOW - IDLE_MS}, viewers=1_000) == ["480p"]


@pytest.mark.parametrize(
    ("viewers", "running", "expected"),
    [
        (0, (), TIER),
        (MANY - 1, ("720p60", "480p"), TIER),
        (MANY, ("720p60", "480p"), WHOLE),
        (FEW, tuple(WHOLE), WHOLE),
        (FEW - 1, tuple(WHOLE), TIER),
    ],
)
def test_tiers_follow_the_number_of_viewers_with_hysteresis(
    viewers: int, running: tuple[str, ...], expected: list[str]
) -> None:
    assert runs(Policy.TIERED, viewers=viewers, running=running) == expected


@pytest.mark.parametrize("policy", Policy)
def test_partners_and_sources_that_not_every_browser_plays_have_the_whole_ladder(policy: Policy) -> None:
    assert runs(policy, description=described(partner=True)) == WHOLE
    assert runs(policy, description=described("hvc1.1.6.L123.B0")) == ["1080p60", *WHOLE]


def test_what_fewest_watch_goes_first() -> None:
    rungs = rungs_of(described())
    audience = Audience(30, {"720p60": 5, "480p": 20, "160p": 2, "360p": 0})
    room = sum(encoding(each) for each in rungs if each.name in {"480p", "720p60", "160p"})
    assert fitting(rungs, audience, running=(), keep=room, fill=room) == {"480p", "720p60", "160p"}
    assert fitting(rungs, audience, running=(), keep=0, fill=0) == set()


def test_what_runs_may_stay_where_nothing_may_begin() -> None:
    rungs = [each for each in rungs_of(described()) if each.name in {"480p", "360p"}]
    taken = sum(encoding(each) for each in rungs)
    assert fitting(rungs, Audience(), running=("480p",), keep=taken, fill=taken - 1) == {"480p"}
    assert fitting(rungs, Audience(), running=("480p", "360p"), keep=taken, fill=0) == {"480p", "360p"}
