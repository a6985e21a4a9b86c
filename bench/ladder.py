"""CPU of a ladder: segment tasks over warm encoders, with a new encoder each, and one continuous ffmpeg.

python -m bench.ladder [--seconds 30]

All three make 480p, 360p and 160p of the same 720p30 source with the same settings, at the pace of the media. What
Python takes of it (reading the bus, packaging, publishing) is counted, and shown; publishing the source is not, since
that is there without a ladder too.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from bench import report
from bench.engines import Engines, valkeys
from bench.rig import BASE_DIR
from bench.source import media
from streaming.bus import reading, running, tasks
from streaming.bus.redis import Valkey
from streaming.ffmpeg.command import Branch, ladder_command
from streaming.flv import file as flv
from streaming.flv.tracks import config_tag, frame_tag
from streaming.ladder import Rung, ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, AccessUnit, Rendition, Track
from workers.motion import Motions
from workers.transcode import Order, Workbench, transcode
from workers.warm import Key, Standing, WarmEncoders, Work

FFMPEG = os.environ.get("FFMPEG") or imageio_ffmpeg.get_ffmpeg_exe()
RENDITIONS = ("480p", "360p", "160p")
SOURCE_SHAPE = Rendition(SOURCE, "avc1.64001F", 0, VIDEO_TIMESCALE, 1280, 720, 30_000)


class ColdEncoders(WarmEncoders):
    """Keeps nothing: every segment starts an ffmpeg of its own."""

    def release(self, key: Key, work: Work, standing: Standing | None) -> None:
        if standing is not None:
            standing.encoder.kill()
        super().release(key, work, None)


class SteadyRates(Motions):
    """Bit rates stay as they are in the ffmpeg that this is compared with."""

    def measured(self, broadcast: str, quantisers: Mapping[str, float], rungs: Mapping[str, Rung]) -> None:
        """Takes no notice."""


def make_clip(file: Path, seconds: int) -> None:
    """A moving 720p30 picture with noise, as OBS would send it: 3 Mbit/s, IDR each 2 s, B-frames."""
    picture = f"testsrc2=size=1280x720:rate=30:duration={seconds},noise=alls=12:allf=t"
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "3M", "-maxrate", "3M", "-bufsize", "3M", "-g", "60"]
    subprocess.run(
        [FFMPEG, *("-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", picture), *coding, "-y", str(file)],
        check=True,
    )


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def has_ended(pid: int) -> bool:
    """Whether a child has ended, without reaping it: its CPU would then count as ours."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def continuous(file: Path) -> dict[str, float]:
    """One ffmpeg for the whole source."""
    rungs = {rung.name: rung for rung in ladder(SOURCE_SHAPE)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    before = cpu(resource.RUSAGE_CHILDREN)
    command = ladder_command(FFMPEG, [Branch(rungs[name], nowhere) for name in RENDITIONS])
    process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[nowhere])
    assert process.stdin is not None
    began = time.monotonic()
    track: Track | None = None
    process.stdin.write(flv.file_header(video=True, audio=False))
    for found in media(file):
        if isinstance(found, Track):
            track = found
            process.stdin.write(flv.pack(config_tag(found)))
        elif isinstance(found, AccessUnit) and track is not None:
            time.sleep(max(0.0, began + found.dts / VIDEO_TIMESCALE - time.monotonic()))
            process.stdin.write(flv.pack(frame_tag(track, found)))
            process.stdin.flush()
    process.stdin.close()
    process.wait()
    os.close(nowhere)
    return {"ffmpeg": cpu(resource.RUSAGE_CHILDREN) - before, "python": 0.0}


def by_tasks(engines: Engines, broadcast: str, file: Path, warm: WarmEncoders) -> dict[str, float]:
    """One task per segment, each begun when its segment is."""
    bus = Valkey(engines.bus_url)
    bench = Workbench(
        bus=bus, warm=warm, motions=SteadyRates(time.monotonic), ffmpeg=FFMPEG, instance="bench", clock=time.monotonic
    )
    source = subprocess.Popen(
        [sys.executable, "-m", "bench.source", engines.bus_url, broadcast, str(file)], cwd=BASE_DIR
    )
    while SOURCE not in bus.run(reading.progress(broadcast)):
        time.sleep(0.01)
    for rendition in RENDITIONS:
        bus.run(running.start(broadcast, rendition, 0))
    children, own = cpu(resource.RUSAGE_CHILDREN), cpu(resource.RUSAGE_SELF)
    msn = 0
    while True:
        over = has_ended(source.pid)
        if msn <= bus.run(reading.progress(broadcast))[SOURCE].msn:
            expected = dict.fromkeys(RENDITIONS, "")
            token = bus.run(tasks.order(broadcast, msn, expected, device="bench", late_ms=20_000))
            assert token is not None
            transcode(Order(broadcast, msn, token, RENDITIONS), bench)
            msn += 1
        elif over:
            break
        else:
            time.sleep(0.02)
    warm.close()
    used = {"ffmpeg": cpu(resource.RUSAGE_CHILDREN) - children, "python": cpu(resource.RUSAGE_SELF) - own}
    source.wait()
    bus.close()
    return used


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.ladder", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args(arguments).seconds
    with valkeys() as engines:
        file = engines.folder / "clip.flv"
        make_clip(file, seconds)
        found = {
            "one continuous ffmpeg": continuous(file),
            "segment tasks, warm encoders": by_tasks(engines, "warm", file, WarmEncoders(time.monotonic)),
            "segment tasks, a new encoder each": by_tasks(engines, "cold", file, ColdEncoders(time.monotonic)),
        }
    base = sum(found["one continuous ffmpeg"].values())
    rows: list[dict[str, Any]] = [
        {
            "how": how,
            "ffmpeg_cpu_s": round(used["ffmpeg"], 2),
            "python_cpu_s": round(used["python"], 2),
            "of_continuous": round(sum(used.values()) / base, 3),
        }
        for how, used in found.items()
    ]
    columns = list(rows[0])
    print(
        report.table(f"CPU of 480p+360p+160p from 720p30, {seconds} s", columns, [list(row.values()) for row in rows])
    )
    print(report.save("ladder", {"seconds": seconds, "renditions": RENDITIONS, "results": rows}))


if __name__ == "__main__":
    main()
