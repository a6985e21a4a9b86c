"""`manage.py simulate`: how many GPUs a day of broadcasts and viewers needs, and what a ladder policy saves."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workers.ladder import Policy
from workers.simulation.day import Scenario
from workers.simulation.plot import plot
from workers.simulation.run import Outcome, simulate

CAPACITY = 1_000
"""Million pixels a second of a GPU unless told: some 13 full ladders of 1080p60 at 80 %. Take what `fleet` shows."""


class Command(BaseCommand):
    help = (
        "Runs a synthetic day on the code that places broadcasts and chooses renditions: how many GPUs it needs, what "
        "the ladder policy saves, what failures cost. Touches nothing that runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        day = Scenario()
        parser.add_argument("--broadcasts", type=at_least(1), default=1_000, help="on that day")
        parser.add_argument("--viewers", type=at_least(0), help="visits on that day; 100 a broadcast unless given")
        parser.add_argument("--policy", choices=[policy.value for policy in Policy], default=settings.LADDER_POLICY)
        parser.add_argument("--gpus", type=at_least(1), help="a fleet of so many; as many as it needs unless given")
        parser.add_argument(
            "--capacity", type=at_least(1), default=CAPACITY, help="of a GPU, in million pixels a second"
        )
        parser.add_argument("--failures", type=float, default=day.failures, help="of each GPU, a day")
        parser.add_argument("--stalls", type=float, default=day.stalls, help="of each GPU, a day")
        parser.add_argument("--seed", type=int, default=day.seed, help="another one is another day")
        parser.add_argument("--out", type=Path, default=settings.DATA_DIR / "simulation", help="folder of PNG and JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        scenario = Scenario(
            broadcasts=options["broadcasts"],
            viewers=100 * options["broadcasts"] if options["viewers"] is None else options["viewers"],
            failures=options["failures"],
            stalls=options["stalls"],
            seed=options["seed"],
        )
        policy = Policy(options["policy"])
        outcome = simulate(
            scenario,
            policy=policy,
            capacity=options["capacity"] * 1_000_000,
            gpus=options["gpus"],
            clock=time.perf_counter,
        )
        rows = summary(outcome, policy)
        width = max(len(name) for name in rows)
        for name, value in rows.items():
            self.stdout.write(f"{name.ljust(width)}  {value}")
        try:
            options["out"].mkdir(parents=True, exist_ok=True)
            picture, numbers = options["out"] / "day.png", options["out"] / "day.json"
            plot(
                outcome.samples,
                picture,
                title=f"{outcome.broadcasts:,} broadcasts, {outcome.viewers:,} visits, {policy}",
            )
            numbers.write_text(json.dumps(as_json(scenario, policy, outcome), indent=2) + "\n")
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror or error}.") from error
        self.stdout.write(f"\n{picture}\n{numbers}")


def summary(outcome: Outcome, policy: Policy) -> dict[str, str]:
    """What is printed: a name and a value in words."""
    times = sorted(outcome.place_us) or [0.0]
    savings = {f"saved by {each}": f"{outcome.saving(each):.1%} of the whole ladder" for each in Policy}
    return {
        "policy": policy.value,
        "broadcasts": f"{outcome.broadcasts:,}, at most {outcome.peak_broadcasts:,} at a time",
        "visits": f"{outcome.viewers:,}",
        "GPUs": f"{outcome.peak_devices:,}",
        **savings,
        "changes of ladders": f"{outcome.changes:,}, of them {outcome.short:,} found too little room",
        "rendition segments": f"{outcome.segments:,}",
        "GPUs that failed": f"{outcome.failures:,} (broadcasts moved: {outcome.moved:,}, GAPs: {outcome.gaps:,})",
        "GPUs that stalled": f"{outcome.stalls:,} (hedges: {outcome.hedges:,}, renditions late: {outcome.late:,})",
        "time to place": f"p50 {_at(times, 0.5):.0f} us, p99 {_at(times, 0.99):.0f} us, most {times[-1] / 1000:.1f} ms",
    }


def as_json(scenario: Scenario, policy: Policy, outcome: Outcome) -> dict[str, Any]:
    """All numbers; of the times to place their percentiles."""
    times = sorted(outcome.place_us) or [0.0]
    numbers = asdict(outcome)
    del numbers["place_us"]
    return {
        "scenario": asdict(scenario),
        "policy": policy.value,
        **numbers,
        "savings": {each.value: outcome.saving(each) for each in Policy},
        "place_us": {"p50": _at(times, 0.5), "p99": _at(times, 0.99), "most": times[-1]},
    }


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def at_least(least: int) -> Callable[[str], int]:
    """An argument that is a whole number and not below `least`."""

    def parse(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
        return int(text)

    return parse
