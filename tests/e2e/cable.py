"""The network cable between a browser and WHIP's server, that can be pulled out."""

from __future__ import annotations

import asyncio
import threading
from typing import Self

from playwright.sync_api import BrowserContext, Route

from tests.streaming.ingest.whip.relay import Relay


class Cable:
    """Takes the media of `context`'s pages through relays, whose addresses they are answered in place of the server's.

    `answers` are method and status of each request to WHIP at `url`.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.answers: list[tuple[str, int]] = []
        self._context = context
        self._url = f"{url}**"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._relays: list[Relay] = []
        self._loss = 0.0

    def pull(self) -> None:
        self._lose(1.0)

    def plug_in(self) -> None:
        self._lose(0.0)

    def _lose(self, share: float) -> None:
        self._loss = share
        for relay in self._relays:
            relay.loss = share

    def _answer(self, route: Route) -> None:
        answer = route.fetch()
        self.answers.append((route.request.method, answer.status))
        body = answer.text()
        if "a=candidate:" in body:
            relay = Relay(loss=self._loss, jitter=0)
            body = asyncio.run_coroutine_threadsafe(relay.open(body), self._loop).result()
            self._relays.append(relay)
        route.fulfill(response=answer, body=body)

    def __enter__(self) -> Self:
        self._thread.start()
        self._context.route(self._url, self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._context.unroute(self._url)
        for relay in self._relays:
            asyncio.run_coroutine_threadsafe(relay.__aexit__(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
