"""Who has a standby, and when it takes over."""

from __future__ import annotations

from dataclasses import replace

from streaming.media import BroadcastState
from tests.workers.dispatcher.sights import FLEET, NOW, ONE, B, Scene
from workers.cost import cost, upkeep
from workers.dispatcher.commands import Command, Order, Promote, StandBy
from workers.dispatcher.judgement import GUARDED_LATE_MS, SILENT_MS
from workers.dispatcher.standby import Criticality
from workers.ladder import Audience
from workers.placement import Load


def on_air(**change: object) -> Scene:
    """A partner's 480p runs, and its newest segment, MSN 5, is in work on the first device."""
    scene = Scene(partner=True, wanted={"480p": NOW}, running={"480p": 2})
    scene.come("480p", 10_800, NOW - 100)
    scene.task(4, "480p", ordered=NOW - 2_600, claimed=NOW - 2_590, done=("480p",))
    scene.task(5, "480p", ordered=NOW - 600, claimed=NOW - 590)
    for name, value in change.items():
        setattr(scene, name, value)
    return scene


def of_480p(commands: list[Command]) -> list[Command]:
    """Without those for what a partner's broadcast begins to run besides."""
    return [each for each in commands if isinstance(each, StandBy | Promote) or "480p" in getattr(each, "expected", ())]


def test_a_partner_has_another_device_stand_by() -> None:
    assert of_480p(on_air().commands()) == [StandBy(B, 5, ("480p",), "other")]


def test_it_is_ordered_with_the_attempt() -> None:
    first, second = of_480p(on_air(media_ms=12_100).commands())
    assert isinstance(first, Order)
    assert (first.msn, first.device) == (6, "one")
    assert second == StandBy(B, 6, tuple(sorted(first.expected)), "other")


def test_so_has_a_broadcast_with_many_viewers() -> None:
    many = {"partner": False, "critical": Criticality(500)}
    assert on_air(**many, audience=Audience(499)).commands() == []
    assert on_air(**many, audience=Audience(500)).commands() == [StandBy(B, 5, ("480p",), "other")]
    assert on_air(partner=False, audience=Audience(500)).commands() == []


def test_a_segment_has_one_standby() -> None:
    scene = on_air()
    scene.task(5, device="other", ordered=NOW - 500, claimed=NOW - 490, failed="crashed", standby=("480p",))
    assert of_480p(scene.commands()) == []


def test_none_stands_by_where_there_is_no_room_or_nothing_comes() -> None:
    assert of_480p(on_air(fleet={"one": ONE}).commands()) == []
    assert of_480p(on_air(fleet={"one": ONE, "other": replace(FLEET["other"], capacity=1)}).commands()) == []
    assert of_480p(on_air(state=BroadcastState.RECONNECTING).commands()) == []


def test_a_standby_stays_where_the_last_one_was() -> None:
    third = replace(ONE, name="third")
    scene = on_air(fleet={**FLEET, "third": third, "a": replace(ONE, name="a")})
    scene.task(4, device="third", ordered=NOW - 2_500, claimed=NOW - 2_490, standby=("480p",))
    assert of_480p(scene.commands()) == [StandBy(B, 5, ("480p",), "third")]


def test_what_a_standby_takes_is_counted_where_it_is_until_it_is_over() -> None:
    scene = on_air(running=dict.fromkeys(("720p30", "480p", "360p", "160p"), 2))
    dormant, whole = upkeep(scene.description), cost(scene.description, ["480p", "360p", "160p"])
    expected = Load("other", dormant, more=whole - dormant)
    assert scene.decision().standby == expected
    scene.task(5, device="other", ordered=NOW - 500, claimed=NOW - 490, standby=("480p",))
    assert scene.decision().standby == expected
    scene.media_ms = 12_100
    assert scene.decision().standby == expected
    scene.partner = False
    assert scene.decision().standby == replace(expected, more=cost(scene.description, ["480p"]) - dormant)
    scene.tasks[5] = replace(scene.tasks[5], second="")
    assert scene.decision().standby is None


def test_the_next_segment_goes_where_the_attempt_is_and_not_its_standby() -> None:
    scene = on_air(media_ms=12_100)
    scene.task(5, device="other", ordered=NOW - 500, claimed=NOW - 490, standby=("480p",))
    assert [each.device for each in of_480p(scene.commands()) if isinstance(each, Order)] == ["one"]


def struck(**change: object) -> Scene:
    """The standby is there, and what it stands by for is late beyond all budgets."""
    scene = on_air(media_ms=11_200 + GUARDED_LATE_MS + 40, hedges=0, **change)
    scene.come("480p", 10_800, NOW - 600)
    scene.task(5, device="other", ordered=NOW - 500, claimed=NOW - 490, standby=("480p",))
    return scene


def test_a_standby_takes_over_what_is_late_whatever_the_budget() -> None:
    assert of_480p(struck().commands()) == [Promote(B, 5, "e:2", {"480p": "e:1"}, "late")]


def test_it_takes_over_the_next_segment_at_once_too() -> None:
    scene = on_air(media_ms=12_000 + GUARDED_LATE_MS + 40, hedges=0)
    scene.come("480p", 11_600, NOW - 600)
    scene.task(5, device="other", ordered=NOW - 1_900, claimed=NOW - 1_890, standby=("480p",))
    scene.task(6, "480p", ordered=NOW - 200, claimed=NOW - 190)
    scene.task(6, device="other", ordered=NOW - 200, claimed=NOW - 190, standby=("480p",))
    assert [each for each in of_480p(scene.commands()) if isinstance(each, Promote)] == [
        Promote(B, 5, "e:2", {"480p": "e:1"}, "late"),
        Promote(B, 6, "e:2", {"480p": "e:1"}, "late"),
    ]


def test_it_does_so_sooner_than_an_attempt_elsewhere_would_begin() -> None:
    early = struck()
    early.media_ms -= 1
    assert of_480p(early.commands()) == []
    alone = struck()
    alone.hedges, alone.tasks[5] = 1, replace(alone.tasks[5], second="")
    assert [each.why for each in of_480p(alone.commands()) if isinstance(each, Order)] == []


def test_a_standby_takes_over_from_a_dead_worker() -> None:
    scene = struck()
    del scene.fleet["one"]
    assert of_480p(scene.commands()) == [Promote(B, 5, "e:2", {"480p": "e:1"}, "worker died")]


def test_what_it_does_not_stand_by_for_is_ordered_as_ever() -> None:
    scene = struck(running={"480p": 2, "360p": 5})
    scene.task(5, "360p", ordered=NOW - 400, claimed=NOW - 390)
    del scene.fleet["one"]
    promoted, ordered = [each for each in scene.commands() if getattr(each, "why", "") == "worker died"]
    assert promoted == Promote(B, 5, "e:2", {"480p": "e:1"}, "worker died")
    assert isinstance(ordered, Order)
    assert dict(ordered.expected) == {"360p": "e:3"}


def test_a_promoted_one_is_an_attempt_like_any_other() -> None:
    scene = on_air()
    scene.task(5, "480p", device="other", ordered=NOW - 500, claimed=NOW - 490, again=True)
    scene.tasks[5] = replace(scene.tasks[5], second="e:2")
    assert of_480p(scene.commands()) == []
    del scene.fleet["other"]
    assert [(each.device, each.why) for each in of_480p(scene.commands()) if isinstance(each, Order)] == [
        ("one", "worker died")
    ]


def test_the_next_segment_goes_to_the_promoted_one_and_not_to_whoever_was_lost() -> None:
    scene = on_air(media_ms=12_100)
    # Attempt and standby are ordered in one round trip.
    scene.task(5, "480p", device="other", ordered=NOW - 600, claimed=NOW - 590, again=True)
    scene.tasks[5] = replace(scene.tasks[5], second="e:2")
    assert [each.device for each in of_480p(scene.commands()) if isinstance(each, Order)] == ["other"]


def test_a_standby_that_is_not_there_is_not_relied_on() -> None:
    for lost in (
        {"one": ONE},
        {"one": ONE, "other": replace(FLEET["other"], instance="new")},
        {"one": ONE, "other": replace(FLEET["other"], silent_ms=SILENT_MS)},
    ):
        assert not any(isinstance(each, Promote) for each in struck(fleet=lost).commands())
