"""`manage.py dispatcher`: send segment tasks to devices, and see that every part comes. Two may run."""

from __future__ import annotations

import signal
import threading
import time
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from kombu.exceptions import KombuError
from prometheus_client import REGISTRY
from redis.exceptions import RedisError

from streaming import metrics
from streaming.broadcast_metrics import Broadcasts
from streaming.bus.redis import Valkey
from vods.steps import Lane
from workers.devices import QUEUE_PREFIX
from workers.dispatcher.census import Census
from workers.dispatcher.commands import Order
from workers.dispatcher.loop import Dispatcher
from workers.dispatcher.post import Post
from workers.dispatcher.standby import Criticality
from workers.dispatcher.sweep import Sweep
from workers.fleet_metrics import Fleet
from workers.ladder import Policy
from workers.ledger.bookkeeper import Bookkeeper
from workers.tasks import picture, send_step, transcode_segment

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
        REGISTRY.register(Broadcasts(bus=bus, state=state, now_ms=now_ms))
        REGISTRY.register(Fleet(bus))
        metrics.serve("dispatcher")
        post = Post()
        post.start()
        log.info("dispatcher.started")
        Dispatcher(
            bus,
            send_task=lambda order, token: post.put(partial(send_task, order, token)),
            send_picture=lambda broadcast: post.put(partial(send_picture, broadcast)),
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


def now_ms() -> int:
    """Unix time, by which viewers are counted."""
    return time.time_ns() // 1_000_000


def send_task(order: Order, token: str) -> None:
    """The task's id says whose attempt it is, so that an order sent twice is one task in every log."""
    _send(
        transcode_segment,
        (order.broadcast, order.msn, token, sorted(order.expected)),
        queue=QUEUE_PREFIX + order.device,
        task_id=f"{order.broadcast}:{order.msn}:{token}",
    )


def send_picture(broadcast: str) -> None:
    _send(picture, (broadcast,), queue=Lane.PROMPT.value)


def _send(task: Any, args: tuple[Any, ...], **options: Any) -> None:
    # A lost order is noticed when nobody claims it, so there is nothing to wait or retry for.
    try:
        # Nobody reads the arguments' description, which costs more than the rest of the message.
        task.apply_async(args=args, retry=False, argsrepr="", kwargsrepr="", **options)
    except (KombuError, RedisError, OSError) as error:
        log.warning("broker.lost", task=task.name, error=str(error))
