"""What a broadcast goes without where devices have no room, or the policy leaves it out."""

from __future__ import annotations

from dataclasses import replace

from tests.workers.dispatcher.sights import NOW, ONE, OTHER, B, Scene, orders, running
from workers.cost import cost
from workers.dispatcher.commands import Refuse, Shed, Start
from workers.dispatcher.decision import (
    ASKING_MS,
    REFUSE_AGAIN_MS,
)
from workers.ladder import MANY, Audience, Policy
from workers.placement import Load


def tight(capacity: int, **change: object) -> Scene:
    """480p and 360p run on the only device there is, which has so much capacity; more watch 360p."""
    scene = running(
        wanted={"480p": NOW, "360p": NOW}, running={"480p": 2, "360p": 2}, audience=Audience(9, {"480p": 2, "360p": 7})
    )
    scene.come("360p", 10_000, NOW - 600)
    scene.task(4, "480p", "360p", claimed=NOW, done=("480p", "360p"))
    scene.task(5, "480p", "360p", ordered=NOW - 300, claimed=NOW - 290)
    scene.fleet = {"one": replace(ONE, capacity=capacity)}
    for name, value in change.items():
        setattr(scene, name, value)
    return scene


def test_a_device_that_is_too_full_sheds_what_fewest_watch() -> None:
    assert tight(80_000_000).commands() == []
    scene = tight(27_500_000)
    assert scene.commands() == [Shed(B, "480p")]
    assert scene.decision().load == Load("one", cost(scene.description, ["360p"]))


def test_what_there_is_no_room_for_does_not_start() -> None:
    scene = Scene(wanted={"480p": NOW})
    scene.fleet = {"one": replace(ONE, capacity=25_000_000)}
    assert scene.commands() == [Refuse(B, "480p")]


def test_what_the_policy_leaves_out_is_refused_again_and_again_while_somebody_asks() -> None:
    scene = Scene(wanted={"480p": NOW, "360p": NOW}, policy=Policy.TIERED)
    started = [each for each in scene.commands() if isinstance(each, Start)]
    assert [each.rendition for each in started] == ["480p"]
    assert Refuse(B, "360p") in scene.commands()
    scene.refused = {"360p": NOW - 1_000}
    assert Refuse(B, "360p") not in scene.commands()
    scene.refused = {"360p": NOW - REFUSE_AGAIN_MS}
    assert Refuse(B, "360p") in scene.commands()
    scene.wanted["360p"] = NOW - ASKING_MS
    assert Refuse(B, "360p") not in scene.commands()


def test_what_the_policy_lets_in_is_refused_no_more() -> None:
    scene = Scene(wanted={"360p": NOW}, refused={"360p": NOW - 5_000}, policy=Policy.TIERED)
    scene.audience = Audience(MANY)
    assert Start(B, "360p", 4) in scene.commands()
    assert not any(isinstance(each, Refuse) for each in scene.commands())


def test_nothing_is_hedged_where_there_is_no_room() -> None:
    scene = running(media_ms=11_500)
    scene.come("480p", 10_800, NOW - 700)
    scene.task(5, "480p", ordered=NOW - 1_500, claimed=NOW - 1_490)
    assert [each.why for each in orders(scene)] == ["late"]
    scene.fleet["other"] = replace(OTHER, capacity=1_000_000)
    assert orders(scene) == []
    scene.fleet.pop("one")
    assert [(each.why, each.device) for each in orders(scene)] == [("worker died", "other")]


def test_devices_are_short_when_others_take_the_room_for_what_is_watched() -> None:
    scene = Scene(wanted={"480p": NOW})
    assert not scene.decision().short
    scene.fleet = {"one": replace(ONE, capacity=25_000_000)}
    assert not scene.decision().short  # not even a free device could
    scene.fleet = {"one": replace(ONE, capacity=40_000_000)}
    scene.loads = {"other": Load("one", 16_000_000)}
    assert scene.decision().short
    scene.wanted = {}
    scene.partner = True
    assert not scene.decision().short  # nobody watches


def test_an_idle_rendition_is_shed_before_one_whose_player_reports_nothing() -> None:
    scene = tight(27_500_000, audience=Audience())
    scene.wanted = {"480p": NOW - 20_000, "360p": NOW - 1_000}
    assert scene.commands() == [Shed(B, "480p")]
    scene.wanted = {"480p": NOW - 1_000, "360p": NOW - 20_000}
    assert scene.commands() == [Shed(B, "360p")]
