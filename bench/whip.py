"""WHIP: glass to glass from a WebRTC encoder to the LL-HLS player, and how many publishers one core carries.

python -m bench.whip [--minutes 2] [--publishers 12] [--seconds 20]

The encoder is ffmpeg's WHIP muxer. For the second measurement each publisher sends the same clip (1280x720, 30 fps,
3 Mbit/s, Opus) at its own pace without encoding, and what counts is the CPU of the ingest process.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import imageio_ffmpeg

from bench import report
from bench.browser import AUTOPLAY, launched, until
from bench.encoder import ClockEncoder, Picture
from bench.glass import CLOCK, Watched, watch
from bench.ingest import Share, busy, process_of
from bench.rig import Rig

BITRATE = 3_000_000
CLIP_SECONDS = 20
PICTURE = Picture(width=1280, height=720, bitrate=BITRATE)


def glass(*, minutes: float) -> Watched:
    """The source on the watch page; nothing is transcoded meanwhile."""
    with Rig({"DEVICES": "cpu"}) as rig, launched(AUTOPLAY) as browser:
        streamer = rig.streamer("glass")
        with ClockEncoder(PICTURE, rig.whip_url, key=streamer.key):
            rig.broadcast_of("glass", seconds=30)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{rig.url}/glass")
            until(page, "document.querySelector('[data-player]').dataset.state === 'live'")
            page.evaluate(CLOCK)
            until(page, "window.glass.frames.length > 30")
            return watch(page, size=PICTURE.name, rendition="source", seconds=minutes * 60)


def capacity(clip: Path, counts: Sequence[int], seconds: float) -> list[Share]:
    with Rig() as rig:
        keys = [rig.streamer(f"bench_{number}").key for number in range(max(counts))]
        ingest = process_of(rig.pid, "manage.py ingest")
        bus = process_of(rig.pid, "/bus/valkey.sock")
        shares = []
        for count in counts:
            with publishing(clip, rig.whip_url, keys[:count]):
                cpu, bus_cpu = busy([ingest, bus], seconds)
            shares.append(Share("Headrace, WHIP", count, cpu, bus_cpu))
        return shares


@contextlib.contextmanager
def publishing(clip: Path, url: str, keys: Sequence[str]) -> Iterator[None]:
    """One publisher a key, while entered."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-nostdin", "-stream_loop", "-1", "-re", "-i", str(clip)]
    publishers = [subprocess.Popen([*argv, "-c", "copy", "-f", "whip", "-authorization", key, url]) for key in keys]
    try:
        yield
        if ended := [publisher for publisher in publishers if publisher.poll() is not None]:
            raise RuntimeError(f"{len(ended)} of {len(keys)} publishers were let go")
    finally:
        for publisher in publishers:
            publisher.terminate()
        for publisher in publishers:
            publisher.wait()


def make_clip(folder: Path) -> Path:
    """Noise over a test picture, so that the encoder has use for all of its bits."""
    path = folder / "clip.mkv"
    picture = f"testsrc2=size=1280x720:rate=30:duration={CLIP_SECONDS},noise=alls=20:allf=t"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", picture]
    argv += ["-f", "lavfi", "-i", f"sine=duration={CLIP_SECONDS}:sample_rate=48000", "-pix_fmt", "yuv420p"]
    argv += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "60", "-bf", "0"]
    argv += ["-b:v", str(BITRATE), "-maxrate", str(BITRATE), "-bufsize", str(BITRATE // 2)]
    argv += ["-c:a", "libopus", "-ac", "2", "-b:a", "96k", str(path)]
    subprocess.run(argv, check=True)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.whip", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long the player watches")
    parser.add_argument("--publishers", type=int, default=12, help="how many at a time in the second measurement")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args(arguments)
    watched = glass(minutes=given.minutes)
    columns = ["picture", "rendition", "watched s", "median s", "p95 s", "worst s", "freezes", "longest gap ms"]
    row = [watched.size, watched.rendition, round(watched.seconds), watched.median, watched.p95, watched.worst]
    print(report.table("WHIP, glass to glass", columns, [[*row, watched.freezes, watched.longest_gap]]))
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    try:
        shares = capacity(make_clip(folder), (1, given.publishers), given.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    heads = ["server", "publishers", "% of a core each", "bus, % each", "publishers per core"]
    print(report.table(f"WHIP publishers of {BITRATE // 1_000_000} Mbit/s", heads, [share.row for share in shares]))
    print(report.save("whip", {"glass": asdict(watched), "shares": [asdict(share) for share in shares]}))


if __name__ == "__main__":
    main()
