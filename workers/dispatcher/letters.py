"""Task messages: what they say, and a kept way into the broker for many at a time.

`Task.apply_async` finds route, producer and defaults anew for each message, and waits for the broker's answer to each.
Here Celery's own builder writes the message, which is why any Celery worker takes it, and one kept producer puts all
that wait into their queues in one round trip: a seventh of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog
from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from vods.steps import Lane
from workers.devices import QUEUE_PREFIX
from workers.dispatcher.commands import Order
from workers.tasks import picture, transcode_segment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for whoever reads a queue: this Celery task, please, with these arguments."""

    task: Any
    arguments: tuple[object, ...]
    queue: str
    id: str


def order_letter(order: Order, token: str) -> Letter:
    """A segment task. Its id says whose attempt it is, so that an order sent twice is one task in every log."""
    return Letter(
        transcode_segment,
        (order.broadcast, order.msn, token, sorted(order.expected)),
        QUEUE_PREFIX + order.device,
        f"{order.broadcast}:{order.msn}:{token}",
    )


def picture_letter(broadcast: str) -> Letter:
    """A thumbnail task."""
    return Letter(picture, (broadcast,), Lane.PROMPT.value, str(uuid4()))


class Broker:
    """The way into Celery's broker, for one thread. Connects with the first letters, and anew when it was cut."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._producer: Any = None  # a kombu.Producer; stubs of it know no batches
        self._lost = False

    def send(self, letters: Sequence[Letter]) -> None:
        """Puts letters into their queues, in order.

        A broker that is away loses them: a lost order is noticed when nobody claims it, so nothing is tried again.
        """
        try:
            producer = self._connected()
            with producer.batch(max(1, len(letters))):
                for letter in letters:
                    self._publish(producer, letter)
            self._lost = False
        except (KombuError, RedisError, OSError) as error:
            if not self._lost:
                log.warning("broker.lost", letters=len(letters), error=str(error.__cause__ or error))
            self._lost = True

    def close(self) -> None:
        """Gives the connection back."""
        if self._producer is not None:
            self._producer.connection.release()
            self._producer = None

    def _connected(self) -> Any:
        if self._producer is None:
            connection = self._app.connection_for_write()
            # Else Kombu would wait for a broker that is away, and with it all who come later.
            connection.ensure_connection(max_retries=0)
            self._producer = self._app.amqp.Producer(
                connection, serializer=self._app.conf.task_serializer, auto_declare=False
            )
        return self._producer

    def _publish(self, producer: Any, letter: Letter) -> None:
        task = letter.task
        # Nobody reads the arguments' description, which costs more than the rest of the message.
        message = self._app.amqp.create_task_message(
            letter.id,
            task.name,
            letter.arguments,
            expires=task.expires,
            ignore_result=task.ignore_result,
            argsrepr="",
            kwargsrepr="",
        )
        # The exchange without a name leads to the queue that is called like the routing key (AMQP 0-9-1, 3.1.3.1).
        producer.publish(
            message.body,
            exchange="",
            routing_key=letter.queue,
            headers=message.headers,
            expiration=task.expires,
            **message.properties,
        )
