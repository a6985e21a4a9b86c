"""`make bench`: every measurement, one after another, or those that are named.

    python -m bench [--quick] [glass join ladder …]

A bench is a module of this package with a `main(arguments)` that prints a table and writes `var/bench/<name>.json`.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import subprocess
import sys

import bench

QUICK = {
    "glass": ["--minutes", "0.5"],
    "join": ["--times", "5"],
    "late": ["--seconds", "20"],
    "seek": ["--minutes", "3"],
    "takeover": ["--rounds", "1"],
    "vods": ["--minutes", "5"],
}
"""What shortens the benches that take minutes."""


def names() -> list[str]:
    modules = (module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__")
    return [name for name in modules if hasattr(importlib.import_module(f"bench.{name}"), "main")]


def main() -> None:
    known = names()
    parser = argparse.ArgumentParser(prog="bench", description="Measure Headrace on this machine.")
    parser.add_argument("bench", nargs="*", help=f"of {', '.join(known)}; all of them unless named")
    parser.add_argument("--quick", action="store_true", help="minutes instead of half an hour: numbers are rougher")
    given = parser.parse_args()
    if unknown := set(given.bench) - set(known):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed = []
    for name in given.bench or known:
        print(f"== {name}", flush=True)
        # A process each: Django's settings, read once, name the engines of one bench.
        options = QUICK.get(name, []) if given.quick else []
        if subprocess.run([sys.executable, "-m", f"bench.{name}", *options], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
