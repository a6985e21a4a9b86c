"""Three hosts and the edge: one is killed under load, and viewers, the recording and the chat do without it."""

from __future__ import annotations

import itertools
import re
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from bench.cluster_rig import ClusterRig
from deploy.cluster.hosts import HOSTS
from deploy.edge.programs import missing
from streaming.bus import reading
from streaming.bus.redis import Valkey
from streaming.media import SOURCE
from tests.e2e.clip import FFMPEG, make_clip
from tests.e2e.recording import recorded

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(missing()), reason="no edge here: apt-get install haproxy varnish"),
]
CALM_SECONDS = 8.0
RECOVERY_SECONDS = 3.0
"""How long viewers may go without a new part when a host dies."""
PATIENCE = 60.0


def until(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Repeating(threading.Thread):
    """Does `step` again and again until `finish`."""

    def __init__(self, step: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._step = step
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            self._step()

    def finish(self) -> None:
        self.over.set()
        self.join(PATIENCE)


class Encoder:
    """Publishes a clip again and again, at the next host whenever one lets it go."""

    def __init__(self, clip: Path, urls: list[str]) -> None:
        self._clip, self._urls = clip, itertools.cycle(urls)
        self._process: subprocess.Popen[bytes] | None = None

    def publish(self) -> None:
        command = [FFMPEG, "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(self._clip), "-c", "copy"]
        # A host without power says nothing, not even that it is gone: an encoder notices by what it can't send.
        command += ["-f", "flv", "-rw_timeout", "3000000", next(self._urls)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process.wait()

    def let_go(self) -> None:
        if self._process:
            self._process.kill()


class Viewer:
    """Reloads as a player does, and notes when each new part was there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.client = httpx.Client(timeout=10)
        self._newest = (0, -1)
        self.seen: list[float] = []

    def look(self) -> None:
        msn, part = self._newest
        with suppress(httpx.TransportError):
            answer = self.client.get(f"{self._url}/index.m3u8", params={"_HLS_msn": msn, "_HLS_part": part + 1})
            if answer.status_code == 400:  # what it has is of another time: a player loads the playlist anew
                answer = self.client.get(f"{self._url}/index.m3u8")
            parts = [(int(m), int(p)) for m, p in re.findall(r'PART:.*URI="(\d+)\.(\d+)\.m4s"', answer.text)]
            if answer.status_code == 200 and parts and parts[-1] > self._newest:
                media = self.client.get(f"{self._url}/{parts[-1][0]}.{parts[-1][1]}.m4s")
                if media.status_code == 200:
                    self._newest = parts[-1]
                    self.seen.append(time.monotonic())
                    return
        time.sleep(0.05)

    def longest_gap(self, since: float) -> float:
        times = [since, *(at for at in self.seen if at > since), time.monotonic()]
        return max(after - before for before, after in itertools.pairwise(times))


class Chatter:
    """Says something new again and again; `acknowledged` is what the site said it has."""

    def __init__(self, url: str, login: str, token: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=5, headers={"Authorization": f"Bearer {token}"})
        self._login = login
        self._numbers = itertools.count()
        self.acknowledged: set[str] = set()

    def say(self) -> None:
        text = f"message {next(self._numbers)}"
        with suppress(httpx.TransportError):
            answer = self.client.post("/chat/messages", json={"channelId": self._login, "message": text})
            if answer.status_code == 200 and answer.json()["stored"]:
                self.acknowledged.add(text)
        time.sleep(0.6)  # the API takes 120 a minute


class Bus:
    """Reads all source chunks that ingest ever published."""

    def __init__(self, url: str, broadcast: str) -> None:
        self.valkey = Valkey(url, connections=1, readers=1)
        self._broadcast = broadcast
        self._after = b"0-0"
        self.media: dict[int, bytes] = defaultdict(bytes)

    def read(self) -> None:
        call = reading.chunks(self._broadcast, {SOURCE: self._after}, block_ms=500)
        for entry, chunk in self.valkey.run(call).get(SOURCE, []):
            self._after = entry
            self.media[chunk.msn] += chunk.data


@pytest.fixture(scope="module")
def rig() -> Iterator[ClusterRig]:
    with ClusterRig({"RECONNECT_GRACE": "20"}) as running:
        yield running


def test_a_host_dies_and_nobody_loses_anything(rig: ClusterRig, tmp_path: Path) -> None:
    streamer = rig.streamer("cluster")
    key = streamer.publish_url.rpartition("/")[2]
    issue = "from accounts.services import *; from django.utils import timezone; "
    issue += "print(issue_api_token(user=User.objects.get(username='cluster'), name='t', now=timezone.now())[1])"
    token = rig.shell(issue).splitlines()[-1]
    encoder = Encoder(make_clip(tmp_path / "clip.flv", seconds=60), [f"{rig.rtmp_url(host)}/{key}" for host in HOSTS])
    publishing = Repeating(encoder.publish)
    publishing.start()
    broadcast = rig.broadcast_of("cluster", seconds=PATIENCE)
    bus = Bus(rig.environment["BUS_URL"], broadcast)
    viewer = Viewer(f"{rig.url}/streams/{broadcast}/{SOURCE}")
    chatter = Chatter(rig.url, "cluster", token)
    watching = [Repeating(step) for step in (bus.read, viewer.look, chatter.say)]
    for thread in watching:
        thread.start()
    until(lambda: len(viewer.seen) > 10)

    def host_that(does: Callable[[str], bool]) -> str:
        until(lambda: any(map(does, HOSTS)))
        return next(host for host in HOSTS if does(host))

    # The host that plays, and no more: the encoder goes elsewhere first if it is there.
    player = host_that(rig.plays)
    while host_that(rig.publishes) == player:
        encoder.let_go()
        until(lambda: not rig.publishes(player))
        until(lambda: any(map(rig.publishes, HOSTS)))
    time.sleep(CALM_SECONDS)
    killed = time.monotonic()
    rig.kill(player)
    time.sleep(CALM_SECONDS)
    playback_gap = viewer.longest_gap(killed)

    until(lambda: rig.serves(player))
    ingest = host_that(rig.publishes)
    time.sleep(CALM_SECONDS)
    killed = time.monotonic()
    rig.kill(ingest)
    time.sleep(CALM_SECONDS)
    ingest_gap = viewer.longest_gap(killed)
    print(f"longest gap: {playback_gap:.2f} s without the host that plays, {ingest_gap:.2f} s without ingest's")

    publishing.over.set()
    encoder.let_go()
    publishing.finish()
    for thread in watching[1:]:
        thread.finish()
    viewer.client.close()
    chatter.client.close()
    find = (
        f"from vods.models import *; print(*Vod.objects.filter(broadcast_id='{broadcast}').values_list('pk', 'state'))"
    )
    until(lambda: "ready" in rig.shell(find), seconds=120)
    watching[0].finish()
    bus.valkey.close()
    vod = re.findall(r"UUID\('([0-9a-f-]+)'\)", rig.shell(find))[0]

    published = bus.media
    print(f"{len(published)} segments, {sum(map(len, published.values()))} bytes; {len(chatter.acknowledged)} messages")
    kept = [segment.media for segment in recorded(rig.url, vod, SOURCE)]
    assert kept == [media for _, media in sorted(published.items())]
    assert len(chatter.acknowledged) > 20
    assert chatter.acknowledged <= said(rig)
    assert playback_gap <= RECOVERY_SECONDS
    assert ingest_gap <= RECOVERY_SECONDS


def said(rig: ClusterRig) -> set[str]:
    """What the room's log has."""
    code = "from chat.models import *; from chat.bus import log; from chat.bus.epoch import fresh_epoch; "
    code += "from streaming import on_air; from streaming.models import Channel; "
    code += "room = str(Channel.objects.get(user__username='cluster').pk); "
    code += "tail = on_air.state().run(log.tail(room, count=1000, epoch=fresh_epoch())); "
    code += "print(*(record.text for record in tail.records), sep='\\n')"
    return set(re.findall(r'"text":\s*"(message \d+)"', rig.shell(code)))
