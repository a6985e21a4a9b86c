"""From the end of a broadcast to its VOD: in a whole installation, with real encoders.

    python -m bench.archive [--broadcasts 5] [--seconds 33]

Each broadcast is an ffmpeg that sends the same clip at its own pace and leaves; the installation waits a second for it
to come back, then ends the broadcast. What counts is from there on: when the database says that the VOD is ready, and
when its playlist is answered. All broadcasts end at about the same time.
"""

from __future__ import annotations

import argparse
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import psycopg2

from bench import report
from bench.rig import Rig

READY_SECONDS = 30.0
QUERY = """
select v.id::text, extract(epoch from b.ended_at), extract(epoch from v.ready_at - b.ended_at), v.duration_ms, v.lost,
       (select count(*) from vods_bundle u join vods_vodrendition r on r.id = u.rendition_id
         where r.vod_id = v.id and r.name = 'source')
from vods_vod v join streaming_broadcast b on b.id = v.broadcast_id where b.ended_at is not null
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--broadcasts", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=33)
    given = parser.parse_args()
    with Rig({"RECONNECT_GRACE": "1"}) as rig:
        clip = made_clip(rig.folder / "clip.flv", seconds=given.seconds)
        encoders = [send(clip, rig.streamer(f"streamer{number}").publish_url) for number in range(given.broadcasts)]
        answered: dict[str, float] = {}
        watcher = threading.Thread(target=watch, args=(rig, given.broadcasts, given.seconds + READY_SECONDS, answered))
        watcher.start()
        for encoder in encoders:
            encoder.wait()
        watcher.join()
        rows = ended(rig)
        dead = [line for line in rig.log.splitlines() if "step.failed" in line or "step.dead" in line]
    numbers = [
        {
            "ready_s": round(float(ready), 3) if ready is not None else None,
            "answered_s": round(answered[vod] - float(at), 3) if vod in answered else None,
            "duration_ms": duration,
            "lost_segments": lost,
            "objects": objects,
        }
        for vod, at, ready, duration, lost, objects in rows
    ]
    print(
        report.table(
            f"{given.broadcasts} broadcasts of {given.seconds} s, ended at once",
            ("ready after", "answered after", "duration", "lost", "objects"),
            [
                (
                    f"{one['ready_s']} s",
                    f"{one['answered_s']} s",
                    f"{one['duration_ms']} ms",
                    one["lost_segments"],
                    one["objects"],
                )
                for one in numbers
            ],
        )
    )
    for line in dead:
        print(line)
    print(report.save("archive", {"broadcasts": numbers, "failed_steps": len(dead)}))


def made_clip(path: Path, *, seconds: int) -> Path:
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-f", "lavfi", "-i", "sine", "-t", str(seconds)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-b:v", "3M", "-bf", "2", "-c:a", "aac", str(path)),
    ]
    subprocess.run(command, check=True)
    return path


def send(clip: Path, url: str) -> subprocess.Popen[bytes]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-re", "-i", str(clip)]
    return subprocess.Popen([*command, "-c", "copy", "-f", "flv", url], stdin=subprocess.DEVNULL)


def watch(rig: Rig, broadcasts: int, seconds: float, answered: dict[str, float]) -> None:
    """Notes when each VOD's playlist is first answered."""
    deadline = time.monotonic() + seconds
    while len(answered) < broadcasts and time.monotonic() < deadline:
        for vod, *_ in recorded(rig):
            if vod not in answered and rig.status(f"/vods/{vod}/manifest.m3u8") == 200:
                answered[vod] = time.time()
        time.sleep(0.05)


def recorded(rig: Rig) -> list[Any]:
    return ask(rig, "select id::text from vods_vod")


def ended(rig: Rig) -> list[Any]:
    return ask(rig, QUERY)


def ask(rig: Rig, query: str) -> list[Any]:
    connection = psycopg2.connect(
        dbname="headrace", user="headrace", host=rig.environment["DATA_DIR"] + "/run/postgres"
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


if __name__ == "__main__":
    main()
