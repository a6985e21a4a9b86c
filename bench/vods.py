"""What it costs to make a VOD's files: MP4 beside a bare ffmpeg, storyboard beside decoding everything.

    python -m bench.vods [--minutes 60] [--bitrate 3000000]

A minute of test picture is encoded once and repeated, with its times moved on, into bundles as the archive leaves them.
The MP4 is made by a process of its own, whose peak memory is told; ffmpeg copies the same segments, `-c copy -movflags
+faststart`. The storyboard's CPU includes that of the ffmpeg that decodes its key frames.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
RUN = 10
TIMES = 3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--bitrate", type=int, default=3_000_000)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="headrace-vods-"))
    try:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATA_DIR": str(folder / "var"),
            "SECRET_KEY": "of an installation that lives for minutes",
        }
        measure(folder, minutes=given.minutes, bitrate=given.bitrate)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, *, minutes: int, bitrate: int) -> None:
    import django

    django.setup()
    from bench import report

    in_child(record, folder, minutes, bitrate)
    size = sum(path.stat().st_size for path in (folder / "var/media").glob("**/*.m4s"))
    ours = [in_child(make_movie, folder, minutes) for _ in range(TIMES)]
    theirs = [bare_ffmpeg(folder) for _ in range(TIMES)]
    board = in_child(make_board, folder, minutes)
    decoded = decode_all(folder)
    speed = min(theirs) / min(run["seconds"] for run in ours)
    objects = len(list((folder / "var/media/vods/bench/source").glob("*.m4s"))) * 60 / minutes
    rows = [
        ("media", f"{size / 1e6:.0f} MB in {minutes} min"),
        ("objects an hour and rendition", f"{objects:.0f}"),
        ("MP4", f"{min(run['seconds'] for run in ours):.1f} s"),
        ("MP4, peak memory", f"{max(run['peak_mb'] for run in ours):.0f} MiB"),
        ("ffmpeg -c copy +faststart", f"{min(theirs):.1f} s"),
        ("speed beside ffmpeg", f"{speed:.2f}"),
        ("storyboard, CPU", f"{board['cpu']:.1f} s"),
        ("decoding everything, CPU", f"{decoded:.1f} s"),
        ("storyboard's share", f"1/{decoded / board['cpu']:.0f}"),
    ]
    print(report.table("VOD files", ("what", "how much"), rows))
    numbers: dict[str, Any] = {"minutes": minutes, "bytes": size, "objects_an_hour": objects}
    numbers |= {"ours": ours, "ffmpeg_seconds": theirs, "speed": speed, "storyboard": board, "decode_cpu": decoded}
    print(report.save("vods", numbers))


def in_child(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` answers in a process of its own, whose memory and CPU are its alone."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def record(folder: Path, minutes: int, bitrate: int) -> None:
    """Bundles of source and audio, and the two files that ffmpeg is to copy."""
    film_parts(folder, minutes, clip=made_clip(folder, bitrate), store=True)


def film_parts(folder: Path, minutes: int, *, clip: Path | None = None, store: bool = False) -> Any:
    """The film. What is in it is known from one minute; its bundles are put into storage if told to."""
    import django

    django.setup()
    import pickle

    from tests.streaming.cmaf.clips import read
    from tests.streaming.packed import pack

    if clip is not None:
        packed = pack(read(clip))
        (folder / "packed").write_bytes(pickle.dumps((packed.inits, packed.chunks)))
    inits, chunks = pickle.loads((folder / "packed").read_bytes())
    return built(folder, minutes, inits, chunks, store=store)


def built(folder: Path, minutes: int, inits: Any, chunks: Any, *, store: bool) -> Any:
    from streaming.media import AUDIO, SOURCE
    from vods.film import Film, Track
    from vods.models import VodRendition
    from vods.recording import store as put
    from vods.segments import assemble
    from vods.storage import media
    from vods.timeline import Timeline

    tracks = []
    for place, name in enumerate((SOURCE, AUDIO)):
        section = inits[name][0]
        scale = section.track.timescale
        minute = assemble(chunks[name], holes_are_gaps=False)
        lasts = max(segment.end for segment in minute.values())
        # Both tracks repeat after the same time.
        period = max(60 * scale, lasts)
        segments: list[Any] = []
        flat = (folder / f"{name}.mp4").open("wb") if store else None
        if flat:
            flat.write(section.data)
        per_minute = len(minute)
        run: list[Any] = []
        for repeat in range(minutes):
            for msn, segment in minute.items():
                moved = replace(
                    segment,
                    msn=repeat * per_minute + msn,
                    dts=segment.dts + repeat * period,
                    data=shifted(segment.data, repeat * period) if store else segment.data,
                )
                run.append(moved)
                if flat:
                    flat.write(moved.data)
                if len(run) == RUN or (repeat == minutes - 1 and msn == per_minute - 1):
                    bundle = put(media(), "vods/bench/", name, run) if store else kept(folder, name, run)
                    segments += bundle.segments
                    run = []
        if flat:
            flat.close()
        row = VodRendition(name=name, place=place, timescale=scale, frame_rate=30_000 if name == SOURCE else 0)
        tracks.append(Track(row, Timeline(segments, timescale=scale), {0: section.data}))
    return Film(*tracks)


def kept(folder: Path, name: str, run: Any) -> Any:
    """The row of a bundle that is in storage already."""
    from vods.models import Bundle

    (path,) = (folder / "var/media/vods/bench" / name).glob(f"{run[0].msn:08}-*.m4s")
    return Bundle(
        first_msn=run[0].msn,
        count=len(run),
        key=f"vods/bench/{name}/{path.name}",
        sizes=[len(one.data) for one in run],
        dts=[one.dts for one in run],
        durations=[one.duration for one in run],
        walls_ms=[one.wall_ms for one in run],
        discontinuities=[0] * len(run),
        inits=[0] * len(run),
    )


def shifted(data: bytes, by: int) -> bytes:
    """Chunks with their decode times moved on."""
    moved = bytearray(data)
    at = 0
    while (at := moved.find(b"tfdt", at)) >= 0:
        time_at = at + 8
        moved[time_at : time_at + 8] = (int.from_bytes(moved[time_at : time_at + 8], "big") + by).to_bytes(8, "big")
        at = time_at
    return bytes(moved)


def made_clip(folder: Path, bitrate: int) -> Path:
    path = folder / "clip.flv"
    command = [
        *(FFMPEG, "-hide_banner", "-loglevel", "error", "-t", "60"),
        *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30,noise=alls=8:allf=t", "-f", "lavfi", "-i", "sine"),
        *("-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-bf", "2", "-b:v", str(bitrate)),
        *("-maxrate", str(bitrate), "-bufsize", str(bitrate), "-c:a", "aac", "-b:a", "128k", str(path)),
    ]
    subprocess.run(command, check=True)
    return path


def make_movie(folder: Path, minutes: int) -> dict[str, float]:
    film = film_parts(folder, minutes)
    from vods.storage import media
    from vods.work.movies import put_movie

    began = time.monotonic()
    for number, reel in enumerate(film.reels()):
        put_movie(media(), f"vods/bench/video-{number}.mp4", film, reel, pulse=lambda _done, _of: None)
    return {
        "seconds": time.monotonic() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def bare_ffmpeg(folder: Path) -> float:
    command = [
        *(FFMPEG, "-hide_banner", "-loglevel", "error", "-y"),
        *("-i", str(folder / "source.mp4"), "-i", str(folder / "audio.mp4")),
        *("-c", "copy", "-movflags", "+faststart", str(folder / "copied.mp4")),
    ]
    began = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - began


def make_board(folder: Path, minutes: int) -> dict[str, float]:
    film = film_parts(folder, minutes)
    from vods.storage import media
    from vods.work.pictures import COLUMNS, EVERY_MS, ROWS, picture_near, sheet_of

    before, began = os.times(), time.monotonic()
    count = film.lead.timeline.duration_ms // EVERY_MS
    shown = [picture_near(film.lead, index * EVERY_MS) for index in range(count)]
    for first in range(0, count, COLUMNS * ROWS):
        sheet_of(media(), film.lead, shown[first : first + COLUMNS * ROWS])
    after = os.times()
    cpu = sum(after[index] - before[index] for index in range(4))
    return {"cpu": cpu, "seconds": time.monotonic() - began, "pictures": count}


def decode_all(folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [FFMPEG, "-hide_banner", "-loglevel", "error", "-i", str(folder / "source.mp4"), "-f", "null", "-"], check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
