"""Ingest: how much of a core a 6 Mbit/s publisher takes, and how many one core carries, beside nginx's RTMP module.

python -m bench.ingest [--publishers 8] [--seconds 20]

Each publisher is an ffmpeg that sends the same clip (1280x720, 30 fps, AAC) at its own pace, without encoding. A
server's share is the CPU seconds its process took; for Headrace those of the media bus are told too. nginx is measured
relaying only, and writing HLS segments as well, which is nearer to what ingest does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from bench import report
from bench.load import cpu_seconds
from bench.rig import Rig, free_port

CLIP_SECONDS = 20
BITRATE = 6_000_000
SETTLE_SECONDS = 4.0
NGINX_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
load_module {module};
events {{ worker_connections 2048; }}
rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096; application live {{ live on; {hls} }} }} }}
"""
NGINX_HLS = "hls on; hls_path {folder}/hls; hls_fragment 2s; hls_playlist_length 60s;"


@dataclass(frozen=True, slots=True)
class Share:
    """What `publishers` at a time cost: seconds of CPU a second, of the server and of the bus behind it."""

    server: str
    publishers: int
    cpu: float
    bus: float = 0.0

    @property
    def row(self) -> list[object]:
        each = self.cpu / self.publishers
        return [
            self.server,
            self.publishers,
            f"{100 * each:.2f}",
            f"{100 * self.bus / self.publishers:.2f}" if self.bus else "",
            int(1 / each) if each else "",
        ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.ingest", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--publishers", type=int, default=8, help="how many at a time in the second measurement")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    try:
        clip = make_clip(folder / "clip.flv", bitrate=BITRATE, sound="aac")
        counts = (1, given.publishers)
        shares = measure_headrace(clip, counts, given.seconds)
        if NGINX_MODULE.exists() and shutil.which("nginx"):
            for name, hls in (("nginx-rtmp", ""), ("nginx-rtmp with HLS", NGINX_HLS)):
                shares += measure_nginx(name, hls, folder, clip, counts, given.seconds)
        else:
            print("nginx with libnginx-mod-rtmp is not installed, so there is nothing to compare with.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    columns = ["server", "publishers", "% of a core each", "bus, % each", "publishers per core"]
    print(report.table(f"Publishers of {BITRATE // 1_000_000} Mbit/s", columns, [share.row for share in shares]))
    print(report.save("ingest", {"shares": [dict(zip(columns, share.row, strict=True)) for share in shares]}))


def measure_headrace(clip: Path, counts: Sequence[int], seconds: float) -> list[Share]:
    with Rig() as rig:
        urls = [rig.streamer(f"bench_{number}").publish_url for number in range(max(counts))]
        ingest = process_of(rig.pid, "manage.py ingest")
        bus = process_of(rig.pid, "/bus/valkey.sock")
        shares = []
        for count in counts:
            with publishing(clip, [("-f", "flv", url) for url in urls[:count]]):
                cpu, bus_cpu = busy([ingest, bus], seconds)
            shares.append(Share("Headrace", count, cpu, bus_cpu))
    return shares


def measure_nginx(name: str, hls: str, folder: Path, clip: Path, counts: Sequence[int], seconds: float) -> list[Share]:
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, module=NGINX_MODULE, port=port, hls=hls.format(folder=folder)))
    urls = [f"rtmp://127.0.0.1:{port}/live/bench_{number}" for number in range(max(counts))]
    user = "user root;" if os.getuid() == 0 else ""  # its own user could not write into our folder
    nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config), "-g", user])
    try:
        time.sleep(1)
        worker = process_of(nginx.pid, "nginx: worker")
        shares = []
        for count in counts:
            with publishing(clip, [("-f", "flv", url) for url in urls[:count]]):
                (cpu,) = busy([worker], seconds)
            shares.append(Share(name, count, cpu))
        return shares
    finally:
        nginx.terminate()
        nginx.wait()


def busy(processes: Sequence[int], seconds: float) -> list[float]:
    """CPU seconds a second of each process, once the publishers have settled."""
    time.sleep(SETTLE_SECONDS)
    before, begun = [cpu_seconds(process) for process in processes], time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    return [(cpu_seconds(process) - was) / lasted for process, was in zip(processes, before, strict=True)]


@contextlib.contextmanager
def publishing(clip: Path, outputs: Sequence[Sequence[str]]) -> Iterator[None]:
    """One publisher an output, which is the end of ffmpeg's command line, while entered."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-stream_loop", "-1", "-re", "-i", str(clip)]
    publishers = [subprocess.Popen([*argv, "-c", "copy", *output]) for output in outputs]
    try:
        yield
        if ended := [publisher for publisher in publishers if publisher.poll() is not None]:
            raise RuntimeError(f"{len(ended)} of {len(publishers)} publishers were let go")
    finally:
        for publisher in publishers:
            publisher.terminate()
        for publisher in publishers:
            publisher.wait()


def make_clip(path: Path, *, bitrate: int, sound: str) -> Path:
    """Noise over a test picture, so that the encoder has use for all of its bits; `sound` is an audio codec."""
    picture = f"testsrc2=size=1280x720:rate=30:duration={CLIP_SECONDS},noise=alls=20:allf=t"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", picture]
    argv += ["-f", "lavfi", "-i", f"sine=duration={CLIP_SECONDS}:sample_rate=48000"]
    argv += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "60", "-pix_fmt", "yuv420p"]
    argv += ["-b:v", str(bitrate), "-maxrate", str(bitrate), "-bufsize", str(bitrate // 2)]
    subprocess.run([*argv, "-c:a", sound, "-ac", "2", str(path)], check=True)
    return path


def process_of(ancestor: int, told: str) -> int:
    """The descendant of a process with this in its command line."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    for process in parents:
        above = process
        while above in parents and above != ancestor:
            above = parents[above]
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if above == ancestor and told in line:
                return process
    raise LookupError(f"no process {told!r} under {ancestor}")


if __name__ == "__main__":
    main()
