"""Letters through a real broker."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import redis
from celery import Celery, current_app
from django.conf import settings

from config.settings import broker as kombu_url
from tests.engines import FragileBus
from workers.dispatcher.commands import Order
from workers.dispatcher.letters import Broker, Letter, order_letter, picture_letter

ORDER = Order("b", 7, {"480p": "", "160p": "e:1"}, "host.cpu:0", 20_000, "opened")
QUEUE = "celery:transcode.host.cpu:0"


def waiting(url: str, queue: str) -> list[dict[str, Any]]:
    """The messages of a queue, as they lie there, oldest first."""
    with redis.Redis.from_url(url) as valkey:
        return [json.loads(message) for message in valkey.lrange(queue, 0, -1)][::-1]


def alike(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what is different in any two, and without properties that no worker reads.

    `reply_to` is where results go, and there are none.
    """
    read = {"correlation_id", "delivery_mode", "delivery_info", "priority", "body_encoding", "expiration"}
    message["properties"] = {name: value for name, value in message["properties"].items() if name in read}
    message["headers"]["expires"] = bool(message["headers"]["expires"])
    return message


def test_a_letter_is_the_message_that_celery_sends(state_url: str) -> None:
    broker = Broker(current_app)
    for letter in (order_letter(ORDER, "e:2"), picture_letter("b")):
        broker.send([letter])
        letter.task.apply_async(
            letter.arguments, queue=letter.queue, task_id=letter.id, argsrepr="", kwargsrepr="", retry=False
        )
        ours, celerys = (alike(message) for message in waiting(state_url, f"celery:{letter.queue}"))
        assert ours == celerys
    broker.close()


def test_letters_keep_their_order(state_url: str) -> None:
    broker = Broker(current_app)
    broker.send([order_letter(ORDER, f"e:{number}") for number in range(5)])
    found = [json.loads(base64.b64decode(message["body"]))[0] for message in waiting(state_url, QUEUE)]
    assert found == [["b", 7, f"e:{number}", ["160p", "480p"]] for number in range(5)]
    broker.close()


def test_a_broker_that_is_away_loses_letters_and_takes_the_next(session_folder: Path) -> None:
    fragile = FragileBus(session_folder)
    app = Celery("elsewhere", broker=kombu_url(fragile.url), set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    broker = Broker(app)

    def send(number: int) -> list[str]:
        broker.send([Letter(order_letter(ORDER, "").task, (number,), "q", str(number))])
        return [message["headers"]["id"] for message in waiting(fragile.url, "celery:q")] if up else []

    up = False
    send(1)  # it was never there
    fragile.start()
    up = True
    assert send(2) == ["2"]
    fragile.stop()
    up = False
    send(3)
    fragile.start()
    up = True
    assert send(4) == ["4"]
    broker.close()
    fragile.stop()
