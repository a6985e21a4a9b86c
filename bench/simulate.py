"""The capacity simulator at its largest: a day of 100,000 broadcasts and 10 million visits.

python -m bench.simulate [--broadcasts 100000] [--viewers 10000000] [--policy demand]
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence

from bench import report
from workers.ladder import Policy
from workers.simulation.day import Scenario
from workers.simulation.run import simulate

CAPACITY = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.simulate", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--broadcasts", type=int, default=100_000)
    parser.add_argument("--viewers", type=int, default=10_000_000)
    parser.add_argument("--policy", choices=[policy.value for policy in Policy], default=Policy.DEMAND.value)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    outcome = simulate(
        Scenario(given.broadcasts, given.viewers),
        policy=Policy(given.policy),
        capacity=CAPACITY,
        gpus=None,
        clock=time.perf_counter,
    )
    found = {
        "seconds": round(time.monotonic() - began, 1),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "gpus": outcome.peak_devices,
        "saved by demand": f"{outcome.saving(Policy.DEMAND):.1%}",
        "saved by tiered": f"{outcome.saving(Policy.TIERED):.1%}",
        "changes": outcome.changes,
        "place p99 us": round(report.percentile(outcome.place_us, 0.99)),
    }
    title = f"A day of {outcome.broadcasts:,} broadcasts and {outcome.viewers:,} visits under {given.policy}"
    print(report.table(title, list(found), [list(found.values())]))
    print(report.save("simulate", {"broadcasts": given.broadcasts, "viewers": given.viewers, **found}))


if __name__ == "__main__":
    main()
