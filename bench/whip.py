"""WHIP: glass to glass in a browser, and how many publishers one core carries, beside RTMP's in the same run.

    python -m bench.whip [--minutes 1] [--publishers 8] [--seconds 20]

For the second, each publisher is an ffmpeg that sends the same pictures at their own pace, without encoding. Where
there are two cores or more, ingest has the last one to itself and everything else has the others.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import report
from bench.browser import AUTOPLAY, choose_quality, launched, until
from bench.encoder import ClockEncoder, Picture, by_rtmp, by_whip
from bench.glass import CLOCK, Watched, watch
from bench.ingest import busy, make_clip, process_of, publishing
from bench.processes import pin
from bench.rig import Rig, Streamer

PICTURE = Picture(width=640, height=360, bitrate=1_200_000)
BITRATE = 3_000_000
TARGET_S = 2.2
"""Glass to glass, median, at most."""


@dataclass(frozen=True, slots=True)
class Share:
    """What `publishers` at a time cost ingest and the bus behind it, in seconds of CPU a second."""

    way: str
    publishers: int
    cpu: float
    bus: float

    @property
    def row(self) -> list[object]:
        each = self.cpu / self.publishers
        return [
            self.way,
            self.publishers,
            f"{100 * each:.2f}",
            f"{100 * self.bus / self.publishers:.2f}",
            int(1 / each) if each else "",
        ]


def glass(*, seconds: float) -> list[Watched]:
    """The source of an encoder that sends by WHIP, and of the same by RTMP."""
    with Rig({"DEVICES": "cpu"}) as rig, launched(AUTOPLAY) as browser:
        found = []
        for way in ("whip", "rtmp"):
            streamer = rig.streamer(f"glass_{way}")
            sending = by_whip(rig.whip_url, streamer.key) if way == "whip" else by_rtmp(streamer.publish_url)
            with ClockEncoder(PICTURE, sending):
                rig.broadcast_of(streamer.login)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(f"{rig.url}/{streamer.login}")
                until(page, "document.querySelector('[data-player]').dataset.state === 'live'")
                page.evaluate(CLOCK)
                until(page, "window.glass.frames.length > 30")
                choose_quality(page, "source")
                found.append(watch(page, size=PICTURE.name, rendition=way, seconds=seconds))
                page.close()
        return found


def carried(counts: Sequence[int], *, seconds: float) -> list[Share]:
    """What publishers of BITRATE cost, by RTMP and by WHIP."""
    everywhere = os.sched_getaffinity(0)
    *others, own = sorted(everywhere)
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    try:
        clips = {
            "rtmp": make_clip(folder / "clip.flv", bitrate=BITRATE, sound="aac"),
            "whip": make_clip(folder / "clip.mkv", bitrate=BITRATE, sound="libopus"),
        }
        if others:
            os.sched_setaffinity(0, others)  # all that is started from here on inherits it
        with Rig() as rig:
            streamers = [rig.streamer(f"bench_{number}") for number in range(max(counts))]
            ingest = process_of(rig.pid, "manage.py ingest")
            bus = process_of(rig.pid, "/bus/valkey.sock")
            pin(ingest, {own})
            shares = []
            for way, clip in clips.items():
                outputs = [output(way, rig, streamer) for streamer in streamers]
                for count in counts:
                    with publishing(clip, outputs[:count]):
                        cpu, bus_cpu = busy([ingest, bus], seconds)
                    shares.append(Share(way, count, cpu, bus_cpu))
            return shares
    finally:
        os.sched_setaffinity(0, everywhere)
        shutil.rmtree(folder, ignore_errors=True)


def output(way: str, rig: Rig, streamer: Streamer) -> tuple[str, ...]:
    if way == "rtmp":
        return ("-f", "flv", streamer.publish_url)
    return ("-f", "whip", "-authorization", streamer.key, rig.whip_url)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.whip", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long each is watched; 0 to leave that out")
    parser.add_argument("--publishers", type=int, default=8, help="how many at a time; 0 to leave that out")
    parser.add_argument("--seconds", type=float, default=20, help="how long their CPU is measured")
    given = parser.parse_args(arguments)
    watched = glass(seconds=given.minutes * 60) if given.minutes else []
    shares = carried((1, given.publishers), seconds=given.seconds) if given.publishers else []
    if watched:
        rows = [[one.rendition, round(one.seconds), one.median, one.p95, one.worst, one.freezes] for one in watched]
        columns = ["way", "watched s", "median s", "p95 s", "worst s", "freezes"]
        print(report.table(f"Glass to glass, at most {TARGET_S} s", columns, rows))
    columns = ["way", "publishers", "% of a core each", "bus, % each", "publishers per core"]
    if shares:
        print(report.table(f"Publishers of {BITRATE // 1_000_000} Mbit/s", columns, [share.row for share in shares]))
    numbers = {
        "watched": [asdict(one) for one in watched],
        "shares": [dict(zip(columns, share.row, strict=True)) for share in shares],
    }
    print(report.save("whip", numbers))


if __name__ == "__main__":
    main()
