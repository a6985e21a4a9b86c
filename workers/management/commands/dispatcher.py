"""`manage.py dispatcher`: send segment tasks to devices, and see that every part comes. Two may run."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand
from prometheus_client import REGISTRY

from streaming import metrics
from streaming.broadcast_metrics import Broadcasts
from streaming.bus.redis import Valkey
from streaming.garbage import keep_what_is_loaded
from streaming.valkey_metrics import Valkeys
from workers.dispatcher.census import Census
from workers.dispatcher.letters import Broker, order_letter, picture_letter
from workers.dispatcher.loop import Dispatcher
from workers.dispatcher.post import Post
from workers.dispatcher.standby import Criticality
from workers.dispatcher.sweep import Sweep
from workers.fleet_metrics import Fleet
from workers.ladder import Policy
from workers.ledger.bookkeeper import Bookkeeper
from workers.tasks import send_step

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Sends each live segment's transcoding to a device, watches its parts come, and moves what is late."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        bus = Valkey(settings.BUS_URL, connections=4, readers=2)
        sweep = Sweep(bus, grace_seconds=settings.RECONNECT_GRACE, stop=stop)
        sweep.start()
        state = Valkey(settings.STATE_URL, connections=1, readers=1)
        census = Census(state, now_ms=now_ms, stop=stop)
        census.start()
        bookkeeper = Bookkeeper(bus, send=send_step, stop=stop)
        bookkeeper.start()
        broker = Valkey(settings.QUEUE_URL, connections=1, readers=1)
        REGISTRY.register(Broadcasts(bus=bus, state=state, now_ms=now_ms))
        REGISTRY.register(Valkeys({"bus": bus, "state": state, "broker": broker}))
        REGISTRY.register(Fleet(bus))
        metrics.serve("dispatcher")
        post = Post(Broker(current_app).send)
        post.start()
        keep_what_is_loaded()
        log.info("dispatcher.started")
        Dispatcher(
            bus,
            send_task=lambda order, token: post.put(order_letter(order, token)),
            send_picture=lambda broadcast: post.put(picture_letter(broadcast)),
            stop=stop,
            audience=census.audience,
            policy=Policy(settings.LADDER_POLICY),
            critical=Criticality(settings.STANDBY_VIEWERS),
        ).run()
        post.close()
        sweep.join()
        census.join()
        bookkeeper.join()
        bus.close()
        state.close()
        broker.close()


def now_ms() -> int:
    """Unix time, by which viewers are counted."""
    return time.time_ns() // 1_000_000
