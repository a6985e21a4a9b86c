"""The edge's real programs in front of a whole installation: a player, a browser and a chatter behind them."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from websockets.sync.client import connect

from bench.browser import until
from bench.cluster_rig import ClusterRig
from bench.rig import Rig
from deploy.edge.programs import Edge, Ports, missing
from tests import engines
from tests.deploy.installation import free_ports
from tests.e2e.clip import publish
from tests.e2e.reloading import ReloadingClient

LOGIN = "behind"
PARTS = 20


@pytest.fixture
def edge(rig: Rig) -> Iterator[Edge]:
    """The cluster's own, or one in front of the installation."""
    if isinstance(rig, ClusterRig):
        yield rig.edge
        return
    if lacking := missing():
        pytest.skip(f"no {' and no '.join(lacking)} here: apt-get install haproxy varnish")
    origin = [f"127.0.0.1:{rig.http_port}"]
    made = Edge(rig.folder / "edge", Ports(*free_ports(5)), live=origin, pages=origin, plain=True)
    made.prepare()
    with contextlib.ExitStack() as stack:
        for program in made.programs():
            stack.enter_context(engines.running(program))
        yield made


def test_viewers_behind_the_edge_see_and_chat(rig: Rig, edge: Edge, browser: Browser, clip: Path) -> None:
    streamer = rig.streamer(LOGIN)
    plain = f"http://localhost:{edge.ports.http}"
    with publish(clip, streamer.publish_url) as encoder:
        broadcast = rig.broadcast_of(LOGIN)
        client = ReloadingClient(f"{plain}/streams/{broadcast}/source/index.m3u8")
        client.start()

        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(f"{edge.url}/{LOGIN}")
        until(page, "document.querySelector('[data-player]').dataset.state === 'live'", seconds=30)
        until(page, "document.querySelector('video').currentTime > 2", seconds=30)
        protocols = page.evaluate(
            "performance.getEntriesByType('resource').filter(one => one.name.includes('.m4s'))"
            ".map(one => one.nextHopProtocol)"
        )
        assert set(protocols) == {"h2"}
        context.close()

        trusting = ssl.create_default_context(cafile=str(edge.certificate))
        with connect(f"wss://localhost:{edge.ports.https}/ws/chat/{LOGIN}/", ssl=trusting) as room:
            assert json.loads(room.recv(10))["type"] == "welcome"

        until_parts(client)
        encoder.kill()
    kept = client.finish().parts
    answers = [httpx.get(f"{plain}/streams/{broadcast}/source/{uri.rpartition('/')[2]}") for uri in list(kept)[-3:]]
    assert [answer.content for answer in answers] == list(kept.values())[-3:]


def until_parts(client: ReloadingClient) -> None:
    """Waits for the client's parts; pytest's limit ends a wait in vain."""
    while len(client.parts) < PARTS and client.is_alive():
        client.join(0.1)
