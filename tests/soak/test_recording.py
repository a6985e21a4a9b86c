"""A broadcast of counted pictures while random processes of the installation are killed: its VOD, its files and every
rendition have each picture once, at its time.

SOAK_RECORDING_SECONDS says for how long it is on, SOAK_SEED which random order.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import httpx
import pytest

from bench.processes import command_of, descendants
from bench.rig import Rig
from streaming.media import AUDIO, SOURCE
from tests.e2e.clip import Frame, frames, make_clip, publish
from tests.e2e.recording import recorded
from tests.workers.fleet import eventually

SECONDS = int(os.environ.get("SOAK_RECORDING_SECONDS", "90"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
EVERY_SECONDS = 5.0
LOGIN = "recorded"
RUNG = "160p"
PATIENCE = 240.0
"""Seconds: a step whose worker was killed waits for the end of its lease, 30 s, and then for its next attempt."""
MS = Fraction(1, 1000)
VICTIMS: dict[str, Callable[[str], bool]] = {
    "worker": lambda command: "--queues transcode." in command,
    "prompt worker": lambda command: "--queues prompt" in command,
    "durable worker": lambda command: "--queues durable" in command,
    "dispatcher": lambda command: "manage.py dispatcher" in command,
    "web and playback": lambda command: "uvicorn" in command,
    "ffmpeg": lambda command: "ffmpeg" in command and " pipe:0 " in command,
}


def strike(rig: Rig, dice: random.Random) -> str:
    """Kills one process of a kind; answers which kind."""
    kind = dice.choice(list(VICTIMS))
    found = [pid for pid in descendants(rig.pid) if VICTIMS[kind](command_of(pid))]
    if not found:
        return f"no {kind}"
    with suppress(ProcessLookupError):
        os.kill(dice.choice(found), signal.SIGKILL)
    return kind


class Watcher(threading.Thread):
    """Wants a rung of the ladder all the time, as a player does, so that it is archived from the workers' output."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address = address
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(1.0):
            with suppress(httpx.TransportError):
                httpx.get(f"{self._address}/index.m3u8", timeout=10)


def recorded_frames(rig: Rig, vod: str, rendition: str) -> list[Frame]:
    return [frame for segment in recorded(rig.url, vod, rendition) for frame in segment.frames()]


def assert_same(found: Sequence[Frame], sent: Sequence[Frame], *, what: str) -> None:
    """Byte for byte what was sent, each at its time from the first."""
    assert len(found) == len(sent), what
    assert [one.data for one in found] == [one.data for one in sent], what
    assert_times(found, sent, what=what)


def assert_times(found: Sequence[Frame], sent: Sequence[Frame], *, what: str) -> None:
    shown, expected = (sorted(one.pts for one in some) for some in (found, sent))
    assert len(shown) == len(expected), what
    off = [abs((at - shown[0]) - (want - expected[0])) for at, want in zip(shown, expected, strict=True)]
    assert max(off) <= MS, what


@pytest.mark.soak
def test_a_recording_has_every_picture_once(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    clip = make_clip(tmp_path / "clip.flv", seconds=SECONDS)
    pictures, sounds = frames(clip, "video"), frames(clip, "audio")
    struck: list[str] = []
    with Rig({"DEVICES": "cpu:0,cpu:1", "VOD_LADDER": "all", "RECONNECT_GRACE": "3"}) as rig:
        streamer = rig.streamer(LOGIN)
        with publish(clip, streamer.publish_url) as encoder:
            broadcast = rig.broadcast_of(LOGIN)
            watcher = Watcher(f"{rig.url}/streams/{broadcast}/{RUNG}")
            watcher.start()
            while encoder.poll() is None:
                time.sleep(EVERY_SECONDS)
                struck.append(strike(rig, dice))
                print(f"{len(struck)}: {struck[-1]}", flush=True)
        watcher.over.set()
        # What is made of it is struck too, once or twice.
        for _ in range(2):
            time.sleep(EVERY_SECONDS)
            struck.append(strike(rig, dice))
            print(f"after the end: {struck[-1]}", flush=True)
        eventually(lambda: rig.status("/readyz") == 200, PATIENCE)
        eventually(lambda: rig.json(f"/vods?channel={LOGIN}")["total"] == 1, PATIENCE)
        vod = rig.json(f"/vods?channel={LOGIN}")["vods"][0]["id"]
        eventually(lambda: f"{RUNG}/index.m3u8" in rig.text(f"/vods/{vod}/manifest.m3u8"), PATIENCE)
        movie = Path(rig.environment["DATA_DIR"]) / "media/vods" / vod / "video-0.mp4"
        eventually(movie.exists, PATIENCE)

        print({kind: struck.count(kind) for kind in sorted(set(struck))})
        print(f"{len(pictures)} pictures and {len(sounds)} frames of sound sent")
        assert_same(recorded_frames(rig, vod, SOURCE), pictures, what="the source of the VOD")
        sound = recorded_frames(rig, vod, AUDIO)
        # What is heard before the first picture is shown does not belong to the broadcast.
        early = [one.data for one in sounds].index(sound[0].data)
        assert early <= 1
        assert_same(sound, sounds[early:], what="its sound")
        assert_same(frames(movie, "video"), pictures, what="the pictures of the MP4")
        assert_same(frames(movie, "audio"), sounds[early:], what="the sound of the MP4")
        assert_times(recorded_frames(rig, vod, RUNG), pictures, what=f"{RUNG} of the VOD")
