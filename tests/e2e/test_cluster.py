"""Three hosts behind the edge: an encoder at each in turn, viewers of the edge, the recording in S3, one chat.

`--cluster` runs all the other end-to-end tests on hosts like these.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from websockets.sync.client import ClientConnection, connect

from bench.browser import until
from bench.cluster_rig import ClusterRig
from deploy.cluster.hosts import HOSTS
from deploy.edge.programs import missing
from streaming.media import SOURCE
from tests.e2e.clip import Frame, frames, publish
from tests.e2e.conftest import ENVIRONMENT
from tests.e2e.recording import recorded
from tests.e2e.reloading import ReloadingClient
from tests.workers.fleet import eventually

pytestmark = pytest.mark.timeout(240)

LOGIN = "travelling"
PATIENCE = 60.0
AHEAD = 3.0
"""Seconds: more than a player has of what an encoder has left."""
ISSUE_TOKEN = f"""
from django.utils import timezone
from accounts.models import User
from accounts.services import issue_api_token
print(issue_api_token(user=User.objects.get(username="{LOGIN}"), name="test", now=timezone.now())[1])
"""


@dataclass(frozen=True)
class Shown:
    """What was seen of a broadcast whose encoder went from host to host."""

    broadcasts: list[str]
    client: ReloadingClient


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[ClusterRig]:
    """The rig itself with `--cluster`, else one for this file."""
    if lacking := missing():
        pytest.skip(f"no {' and no '.join(lacking)} here: apt-get install haproxy varnish")
    if request.config.getoption("--cluster"):
        yield request.getfixturevalue("rig")
        return
    # Nothing is transcoded here, so nobody need know how fast this machine does it.
    with ClusterRig(ENVIRONMENT | {"DEVICE_CAPACITY": "200000000"}) as running:
        yield running


@pytest.fixture(scope="module")
def shown(cluster: ClusterRig, browser: Browser, clip: Path) -> Shown:
    key = cluster.streamer(LOGIN).key
    broadcasts: list[str] = []
    client: ReloadingClient | None = None
    page = browser.new_page()
    for host in HOSTS:
        with publish(clip, f"{cluster.rtmp_url(host)}/{key}") as encoder:
            try:
                eventually(partial(cluster.publishes, host), PATIENCE)
                broadcasts.append(cluster.broadcast_of(LOGIN, seconds=PATIENCE))
                if client is None:
                    client = ReloadingClient(f"{cluster.url}/streams/{broadcasts[0]}/{SOURCE}/index.m3u8")
                    client.start()
                    page.goto(f"{cluster.url}/{LOGIN}")
                eventually(partial(has, client, len(client.parts) + 5), PATIENCE)
                reached = page.evaluate("document.querySelector('video').currentTime")
                until(page, f"document.querySelector('video').currentTime > {reached + AHEAD}", seconds=PATIENCE)
            finally:
                encoder.kill()
    assert client
    page.close()
    client.finish()
    return Shown(broadcasts, client)


def has(client: ReloadingClient, parts: int) -> bool:
    return len(client.parts) >= parts


def by_encoder(served: list[Frame], sent: list[Frame]) -> list[list[bytes]]:
    """What was served, anew wherever the clip begins again."""
    found: list[list[bytes]] = []
    for frame in served:
        if frame.data == sent[0].data:
            found.append([])
        found[-1].append(frame.data)
    return found


def assert_travelled(served: list[Frame], clip: Path) -> None:
    """From each host what its encoder sent, from the clip's start to where it was killed."""
    sent = frames(clip, "video")
    parts = by_encoder(served, sent)
    assert len(parts) == len(HOSTS)
    for part in parts:
        assert part == [frame.data for frame in sent[: len(part)]]


def test_a_broadcast_goes_on_at_whichever_host_its_encoder_comes_to(shown: Shown, clip: Path) -> None:
    assert len(set(shown.broadcasts)) == 1
    assert_travelled(list(itertools.chain(*shown.client.frames())), clip)


def test_what_is_said_at_one_host_is_heard_at_all(cluster: ClusterRig, shown: Shown) -> None:
    token = cluster.shell(ISSUE_TOKEN)
    with contextlib.ExitStack() as stack:

        def enter(url: str) -> ClientConnection:
            address = f"{url.replace('http', 'ws', 1)}/ws/chat/{LOGIN}/?history=0"
            room = connect(address, additional_headers={"Authorization": f"Bearer {token}"})
            assert told(stack.enter_context(room), "welcome")["you"]["login"] == LOGIN
            return room

        rooms = [enter(url) for url in (*map(cluster.host_url, HOSTS), cluster.url)]
        for number, room in enumerate(rooms):
            room.send(json.dumps({"type": "message", "text": f"message {number}"}))
            assert {told(each, "messages")["messages"][0]["text"] for each in rooms} == {f"message {number}"}


def told(room: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of a kind."""
    while (frame := json.loads(room.recv(PATIENCE)))["type"] != kind:
        pass
    found: dict[str, Any] = frame
    return found


def test_its_recording_plays_out_of_the_bucket(cluster: ClusterRig, shown: Shown, browser: Browser, clip: Path) -> None:
    address = f"/vods?channel={LOGIN}"
    eventually(lambda: [each["state"] for each in cluster.json(address)["vods"]] == ["ready"], PATIENCE)
    vod = cluster.json(address)["vods"][0]["id"]
    kept = recorded(cluster.url, vod, SOURCE)
    assert_travelled([frame for segment in kept for frame in segment.frames()], clip)
    assert {msn: kept[msn].media for msn in shown.client.segments} == shown.client.segments
    assert not list(Path(cluster.environment["MEDIA_ROOT"]).rglob(f"*{vod}*")), "it lies in S3"
    page = browser.new_page()
    page.goto(f"{cluster.url}/videos/{vod}")
    plays(page)
    page.close()


def plays(page: Page) -> None:
    until(page, "(v => v.currentTime > 0.5 && v.videoWidth === 640)(document.querySelector('video'))", seconds=PATIENCE)
