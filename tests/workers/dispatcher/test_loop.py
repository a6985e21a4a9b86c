"""The loop around the machine, step by step on a real bus."""

from __future__ import annotations

import threading

from streaming.bus import demand, devices, reading, running, tasks
from streaming.bus.layout import Call, nothing
from streaming.bus.redis import Valkey
from tests.workers.clips import clip
from tests.workers.live import Broadcaster
from workers.dispatcher.commands import Order
from workers.dispatcher.loop import Dispatcher
from workers.ladder import Policy


def test_what_is_wrong_with_one_broadcast_keeps_back_no_other(bus: Valkey) -> None:
    track, units = clip(size="1280x720", seconds=2.5)
    bus.run(devices.renew(devices.Device("one", "host", "i", 8, devices.DeviceKind.CPU, 200_000_000), lease_ms=60_000))
    for broadcast in ("b", "c"):
        Broadcaster(bus, track, broadcast=broadcast).publish(units)
        bus.run(demand.want(broadcast, "360p"))
    bus.run(running.start("b", "360p", 0))
    assert bus.run(tasks.order("b", 0, {"360p": ""}, device=tasks.NOBODY, late_ms=0))
    # As another version would note it.
    bus.run(Call(("HSET", tasks.task_key("b", 0), "noted:360p", "a loss that is not known here"), nothing))
    sent: list[Order] = []
    stop = threading.Event()

    def send(order: Order, _token: str) -> None:
        sent.append(order)
        stop.set()

    Dispatcher(bus, send_task=send, send_picture=lambda _broadcast: None, stop=stop).run()
    assert {order.broadcast for order in sent} == {"c"}


def test_under_tiered_the_tier_runs_and_what_is_outside_is_refused(bus: Valkey) -> None:
    track, units = clip(size="1280x720", seconds=2.5)
    Broadcaster(bus, track).publish(units)
    bus.run(devices.renew(devices.Device("one", "host", "i", 8, devices.DeviceKind.CPU, 200_000_000), lease_ms=60_000))
    bus.run(demand.want("b", "360p"))
    sent: list[Order] = []
    dispatcher = Dispatcher(
        bus,
        send_task=lambda order, _token: sent.append(order),
        send_picture=lambda _broadcast: None,
        stop=threading.Event(),
        policy=Policy.TIERED,
    )
    while not sent:  # the first step learns of the broadcast, the next looks at it
        dispatcher.step()
    assert bus.run(reading.running("b")) == {"480p": 0}
    assert bus.run(running.refused("b")) == {"360p"}
    assert [sorted(order.expected) for order in sent if order.msn == 0] == [["480p"]]
