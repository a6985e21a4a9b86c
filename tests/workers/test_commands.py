"""`manage.py workers`, as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings

from streaming.bus import devices
from streaming.bus.redis import Valkey
from tests.workers.fleet import eventually
from workers.devices import CORE_CAPACITY
from workers.management.commands.workers import take_back
from workers.process import WorkerProcess


def test_workers_offers_and_measures_each_device_restarts_what_dies_and_drains(bus: Valkey, state_url: str) -> None:
    environment = {**os.environ, "DEVICES": "cpu:0,cpu:1", "DEVICE_CAPACITY": "0"}
    names = {f"{settings.HOST_NAME}.{declared}" for declared in ("cpu:0", "cpu:1")}
    command = subprocess.Popen([sys.executable, "manage.py", "workers"], cwd=settings.BASE_DIR, env=environment)
    try:
        eventually(lambda: bus.run(devices.alive()).keys() == names)
        assert {device.slots for device in bus.run(devices.alive()).values()} == {8}
        eventually(lambda: all(each.capacity != CORE_CAPACITY for each in bus.run(devices.alive()).values()), 60)
        before = bus.run(devices.alive())
        victim = next(pid for pid in descendants(command.pid) if "transcode" in words(pid) and "cpu:0@" in words(pid))
        assert os.sched_getaffinity(victim) == {0}
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: bus.run(devices.alive()).keys() == names and bus.run(devices.alive()) != before)
        family = descendants(command.pid)
        command.terminate()
        assert command.wait(60) == 0
        assert bus.run(devices.alive()) == {}
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    finally:
        command.kill()


@pytest.mark.parametrize("declared", ["cuda:0", "cpu:4095"])
def test_an_unknown_device_is_told_in_a_sentence(bus_url: str, declared: str) -> None:
    found = subprocess.run(
        [sys.executable, "manage.py", "workers"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DEVICES": declared},
        capture_output=True,
        check=False,
    )
    assert found.returncode
    assert found.stderr.decode().startswith(f"CommandError: DEVICES names '{declared}'")


def test_a_dead_worker_s_device_is_taken_back_at_once(bus: Valkey) -> None:
    held = devices.Device("host.cpu:0", "host", "dead", 8, devices.DeviceKind.CPU, 80_000_000)
    bus.run(devices.renew(held, lease_ms=600_000))
    stop = threading.Event()

    def ended() -> None:
        take_back(bus, held.name)
        stop.set()

    process = WorkerProcess(["no-such-command"], stop, ended=ended)
    process.start()
    process.join()
    assert bus.run(devices.alive()) == {}


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
