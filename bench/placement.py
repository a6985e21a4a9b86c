"""How long it takes to choose a device, of many.

python -m bench.placement [--devices 10000] [--decisions 100000]

The fleet is four fifths full. Each decision is the dispatcher's: what a broadcast wants, where it is, what it gets; its
load is counted, and another broadcast ends.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

from bench import report
from streaming.bus.devices import Device, DeviceKind
from workers.allotment import Claim, allot
from workers.ladder import rungs_of
from workers.placement import Placement
from workers.simulation.day import Scenario, shows

CAPACITY = 400_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.placement", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=100_000)
    given = parser.parse_args(arguments)
    devices = {
        f"d{number}": Device(
            f"d{number}", "host", "i", 64, DeviceKind.GPU if number % 4 else DeviceKind.CPU, CAPACITY - number
        )
        for number in range(given.devices)
    }
    began = time.perf_counter()
    placement = Placement(devices)
    built = time.perf_counter() - began
    took = decide(placement, given.decisions)
    row = [given.devices, len(took), *(round(report.percentile(took, share) * 1e6) for share in (0.5, 0.99, 1.0))]
    columns = ["devices", "decisions", "p50 us", "p99 us", "max us", "survey ms"]
    print(report.table("Choosing a device", columns, [[*row, round(built * 1000, 1)]]))
    print(report.save("placement", dict(zip(columns, [*row, round(built * 1000, 1)], strict=True))))


def decide(placement: Placement, decisions: int) -> list[float]:
    """Fills the fleet, then measures seconds per decision."""
    dice = random.Random(1)
    claims = []
    for show in shows(Scenario(broadcasts=2_000, viewers=0)):
        ladder = [each.name for each in rungs_of(show.description)]
        claims.append((show.description, frozenset(dice.sample(ladder, dice.randint(1, len(ladder))))))
    bound = 0.8 * 0.8 * sum(device.capacity for device in placement.devices.values())
    names: list[str] = []
    took: list[float] = []
    taken, number = 0, 0
    while len(took) < decisions:
        description, wanted = dice.choice(claims)
        name = f"b{number}"
        number += 1
        claim = Claim(name, description, wanted, watched=wanted)
        began = time.perf_counter()
        given = allot(claim, placement)
        placement.put(name, given.load)
        lasted = time.perf_counter() - began
        taken += given.load.cost if given.load is not None else 0
        names.append(name)
        if taken < bound:
            continue
        took.append(lasted)
        at = dice.randrange(len(names))
        names[at], names[-1] = names[-1], names[at]
        gone = names.pop()
        load = placement.load(gone)
        taken -= load.cost if load is not None else 0
        placement.put(gone, None)
    return took


if __name__ == "__main__":
    main()
