"""From the order of a segment task to its claim by a worker: dispatcher's door, broker, Celery, thread pool.

python -m bench.enqueue [--rate 50] [--seconds 20]

Both times are the bus's own. The tasks are real ones; having no source, each holds a thread for a while and then gives
up, as the tasks of so many live broadcasts hold theirs for a segment.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence

from bench import report
from bench.engines import valkeys
from bench.rig import BASE_DIR

HOLD_MS = 400
"""How long a task holds its thread."""
THREADS = 64
DEVICE = "cpu"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.enqueue", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args(arguments)
    with valkeys() as engines:
        os.environ |= {
            "DATA_DIR": str(engines.folder),
            "SECRET_KEY": secrets.token_hex(32),
            "BUS_URL": engines.bus_url,
            "STATE_URL": engines.state_url,
            "DATABASE_URL": "postgresql://nobody@/nothing",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "ERROR",
        }
        waits = measure(given.rate, given.seconds)
    rows = [[given.rate, len(waits), *(round(report.percentile(waits, share), 1) for share in (0.5, 0.95, 0.99, 1.0))]]
    columns = ["tasks/s", "tasks", "p50 ms", "p95 ms", "p99 ms", "max ms"]
    print(report.table("From order to claim", columns, rows))
    print(report.save("enqueue", dict(zip(columns, rows[0], strict=True))))


def measure(rate: int, seconds: int) -> list[float]:
    """Milliseconds from order to claim of each task."""
    import django

    django.setup()
    from celery import current_app
    from django.conf import settings

    from streaming.bus import devices, tasks
    from streaming.bus.epoch import epoch
    from streaming.bus.layout import Call
    from streaming.bus.redis import Valkey
    from workers.devices import declared_device
    from workers.dispatcher.commands import Order
    from workers.dispatcher.letters import Broker, order_letter
    from workers.management.commands.workers import transcoding

    device = declared_device(settings.HOST_NAME, DEVICE)
    bus = Valkey(settings.BUS_URL)
    bus.run(epoch())
    broker = Broker(current_app)
    # As many threads as so many live broadcasts need; a later --concurrency takes the place of the device's own.
    argv = [*(sys.executable, "-m", "celery", "--app", "config", "--quiet"), *transcoding(device)]
    argv += ["--concurrency", str(THREADS)]
    with subprocess.Popen(argv, cwd=BASE_DIR, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as worker:
        try:
            while device.name not in bus.run(devices.alive()):
                time.sleep(0.05)
            began = time.monotonic()
            for number in range(rate * seconds):
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                order = Order(f"b{number}", 0, {"160p": ""}, device.name, HOLD_MS, "opened")
                token = bus.run(tasks.order(order.broadcast, 0, order.expected, device=device.name, late_ms=HOLD_MS))
                assert token is not None
                broker.send([order_letter(order, token)])
            time.sleep(1)
        finally:
            worker.kill()
    waits = []
    for number in range(rate, rate * seconds):  # the first second opens connections and starts threads
        name = tasks.task_key(f"b{number}", 0)
        call: Call[list[bytes | None]] = Call(("HVALS", name), lambda reply: reply)
        fields: Call[list[bytes]] = Call(("HKEYS", name), lambda reply: reply)
        found = dict(zip(bus.run(fields), bus.run(call), strict=True))
        ordered, claimed = (
            next((int(value or 0) for key, value in found.items() if key.startswith(kind)), None)
            for kind in (b"ordered:", b"claimed:")
        )
        assert ordered is not None
        waits.append(float((claimed if claimed is not None else ordered + HOLD_MS) - ordered))
    return waits


if __name__ == "__main__":
    main()
