"""`manage.py fleet`: the devices of all hosts, and what is at work on them."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from workers.fleet import DeviceState, FleetState, survey

COLUMNS = ("device", "kind", "state", "slots", "leased", "waiting", "oldest", "capacity", "taken")


class Command(BaseCommand):
    help = "Prints the devices of all hosts: slots and leases, waiting tasks and their age, capacity and load."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs: one object")

    def handle(self, *_args: Any, **options: Any) -> None:
        bus = Valkey(settings.BUS_URL, connections=1, readers=1)
        try:
            state = survey(bus)
        except BusError as error:
            raise CommandError(f"The bus does not answer: {error}") from error
        finally:
            bus.close()
        self.stdout.write(as_json(state) if options["json"] else as_table(state))


def as_table(state: FleetState) -> str:
    """A line per device, and a sentence about the whole."""
    rows = [COLUMNS, *(_row(device) for device in state.devices)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [_line(row, widths) for row in rows]
    of = sum(device.lease.capacity for device in state.devices if device.lease is not None and device.lease.slots)
    taken = sum(device.taken for device in state.devices)
    share = f", {taken / of:.0%} of the capacity taken" if of else ""
    short = ". Devices lack room for what is watched" if state.short else ""
    return "\n".join([*lines, "", f"{state.broadcasts} broadcasts on {len(state.devices)} devices{share}{short}."])


def as_json(state: FleetState) -> str:
    """The same for programs: milliseconds, pixels a second."""
    listed = [{**asdict(device), "state": device.doing} for device in state.devices]
    return json.dumps({"broadcasts": state.broadcasts, "short": state.short, "devices": listed})


def _row(device: DeviceState) -> tuple[str, ...]:
    lease = device.lease
    return (
        device.name,
        lease.kind.value if lease is not None else "-",
        device.doing,
        str(lease.slots) if lease is not None else "-",
        str(device.leased),
        str(device.waiting),
        f"{device.oldest_ms / 1000:.1f} s" if device.waiting else "-",
        f"{lease.capacity / 1e6:.0f} Mpx/s" if lease is not None else "-",
        f"{device.taken / 1e6:.0f} Mpx/s",
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    # Words to the left, numbers to the right.
    cells = [
        cell.ljust(width) if at < 3 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
