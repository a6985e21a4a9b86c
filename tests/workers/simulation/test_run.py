"""The whole simulated day, a small one."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from tests.workers.simulation.test_demand import DESCRIPTION
from workers.allotment import Claim
from workers.cost import cost
from workers.ladder import Policy
from workers.placement import KEEP
from workers.simulation.day import Scenario
from workers.simulation.fleet import Fleet
from workers.simulation.plot import plot
from workers.simulation.run import Outcome, Simulation, simulate

SMALL = Scenario(broadcasts=150, viewers=6_000)
GPU = 400_000_000


def outcome(scenario: Scenario = SMALL, *, policy: Policy = Policy.DEMAND, gpus: int | None = None) -> Outcome:
    ticks = itertools.count()
    return simulate(scenario, policy=policy, capacity=GPU, gpus=gpus, clock=lambda: float(next(ticks)))


def claim(broadcast: str, *names: str, sticky: str | None = None) -> Claim:
    return Claim(broadcast, DESCRIPTION, frozenset(names), frozenset(names), sticky=sticky)


def test_a_fleet_grows_and_shrinks_with_what_is_on_it() -> None:
    fleet = Fleet(round(cost(DESCRIPTION, ["480p"]) / 0.8) + 1, None)
    assert fleet.give(claim("b1", "480p")).home == "gpu0"
    assert fleet.give(claim("b2", "480p")).home == "gpu1"
    fleet.take("b1")
    assert (fleet.names, fleet.peak) == (["gpu1"], 2)
    assert fleet.fail("gpu1") == ["b2"]
    assert fleet.give(claim("b2", "480p", sticky="gpu1")).home == "gpu2"
    assert fleet.size == 1


def test_a_fleet_of_a_fixed_size_sheds() -> None:
    fleet = Fleet(round(cost(DESCRIPTION, ["480p"]) / 0.8) + 1, 1)
    assert fleet.give(claim("b1", "480p")).run == {"480p"}
    given = fleet.give(claim("b2", "480p"))
    assert (given.run, given.short) == (frozenset(), True)
    assert fleet.fail("gpu0") == ["b1"]
    assert fleet.size == 1


def test_a_day_is_the_same_each_time() -> None:
    assert outcome() == outcome()
    assert outcome() != outcome(replace(SMALL, seed=2))


def test_all_that_happens_is_counted() -> None:
    found = outcome(replace(SMALL, failures=20.0, stalls=40.0))
    assert (found.broadcasts, found.short) == (SMALL.broadcasts, 0)
    assert 0.98 * SMALL.viewers < found.viewers <= SMALL.viewers
    assert 1 < found.peak_devices < found.peak_broadcasts < SMALL.broadcasts
    assert min(found.failures, found.stalls, found.moved, found.hedges, found.segments, found.changes) > 0
    assert found.gaps == 0  # there is always another device
    assert 0 < found.saving(Policy.TIERED) < found.saving(Policy.DEMAND) < 1
    assert all(sample.ran <= sample.full for sample in found.samples)


def test_tiers_need_more_than_demand() -> None:
    assert outcome(policy=Policy.TIERED).peak_devices > outcome().peak_devices


def test_a_fleet_that_is_too_small_sheds_and_is_never_overloaded() -> None:
    scenario = replace(SMALL, failures=0.0)
    simulation = Simulation(scenario, policy=Policy.DEMAND, capacity=GPU, gpus=1, clock=lambda: 0.0)
    found = simulation.run()
    assert found.short > 0
    assert found.peak_devices == 1
    assert max(sample.ran for sample in found.samples) <= KEEP * GPU


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("simulate", "--broadcasts", "50", "--out", str(tmp_path), "--capacity", "400", stdout=out)
    printed = out.getvalue()
    assert "saved by demand" in printed
    assert str(tmp_path / "day.png") in printed
    with Image.open(tmp_path / "day.png") as picture:
        assert picture.size == (1_200, 800)
    numbers = json.loads((tmp_path / "day.json").read_text())
    assert numbers["broadcasts"] == 50
    assert numbers["savings"].keys() == {"demand", "tiered"}


def test_what_makes_no_sense_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a whole number from 1 up"):
        call_command("simulate", "--broadcasts", "0")
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="file: "):
        call_command("simulate", "--broadcasts", "2", "--out", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="nothing to draw"):
        plot([], tmp_path / "none.png", title="")
