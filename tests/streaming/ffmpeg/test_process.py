"""ffmpeg as a subprocess: how it is bounded, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from streaming.ffmpeg.errors import FfmpegError, FfmpegGone, FfmpegTimeout
from streaming.ffmpeg.process import CUDA_FILE_BYTES, MEMORY_BYTES, FfmpegProcess, run

QUIET = [settings.FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin"]
COPY = [*QUIET, "-f", "s16le", "-i", "pipe:0", "-f", "s16le"]


def copier(*, on_gpu: bool = False) -> FfmpegProcess:
    return FfmpegProcess(lambda fds: [*COPY, "-flush_packets", "1", f"pipe:{fds[0]}"], outputs=1, on_gpu=on_gpu)


def test_output_comes_back() -> None:
    assert run([*COPY, "pipe:1"], b"12345678", timeout=10) == b"12345678"


def test_a_failure_carries_its_facts() -> None:
    with pytest.raises(FfmpegError) as failure:
        run([*QUIET, "-f", "flv", "-i", "pipe:0", "-f", "null", "-"], b"not flv at all", timeout=10)
    assert failure.value.returncode
    assert failure.value.argv[0] == settings.FFMPEG
    assert failure.value.stderr_tail


def test_what_takes_too_long_is_killed() -> None:
    with pytest.raises(FfmpegTimeout):
        run([*QUIET, "-re", "-f", "lavfi", "-i", "anullsrc", "-t", "30", "-f", "null", "-"], b"", timeout=0.3)


def test_it_is_fed_and_read_until_its_input_ends() -> None:
    process = copier()
    process.write(b"abcdefgh")
    process.close_input()
    received: list[tuple[int, bytes]] = []
    process.pump(lambda index, data: received.append((index, data)))
    assert b"".join(data for _, data in received) == b"abcdefgh"
    assert process.returncode == 0


def test_it_tells_what_it_used() -> None:
    picture = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-t", "4"]
    process = FfmpegProcess(lambda fds: [*QUIET, *picture, "-f", "rawvideo", f"pipe:{fds[0]}"], outputs=1)
    assert process.cpu_seconds == 0
    process.pump(lambda *_: None)
    assert process.returncode == 0
    assert 0.01 <= process.cpu_seconds < 10


def test_feeding_the_dead_is_an_error() -> None:
    process = copier()
    process.kill()
    process.pump(lambda *_: None)
    with pytest.raises(FfmpegGone) as gone:
        process.write(bytes(1_000_000))
    assert gone.value.returncode == -signal.SIGKILL


def test_what_a_reader_raises_ends_it() -> None:
    process = copier()
    process.write(b"abcd")
    process.close_input()

    def fail(_index: int, _data: bytes) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        process.pump(fail)
    assert process.returncode is not None


@pytest.mark.parametrize(("on_gpu", "file_bytes"), [(False, 0), (True, CUDA_FILE_BYTES)])
def test_its_limits_and_environment_are_narrow(monkeypatch: pytest.MonkeyPatch, on_gpu: bool, file_bytes: int) -> None:
    monkeypatch.setenv("DATABASE_URL", "secret")
    process = copier(on_gpu=on_gpu)
    process.write(b"ab")
    folder = Path(f"/proc/{process.pid}")
    # The limits are set just before ffmpeg takes the process over.
    while b"ffmpeg" not in Path(folder / "cmdline").read_bytes().split(b"\0")[0]:
        time.sleep(0.001)
    limits = (folder / "limits").read_text()
    assert f"Max data size             {MEMORY_BYTES}" in limits
    assert re.search(rf"Max file size +{file_bytes} ", limits)
    assert re.search("Max address space +unlimited ", limits)
    assert b"DATABASE_URL" not in (folder / "environ").read_bytes()
    process.kill()
    process.pump(lambda *_: None)


def test_it_dies_with_its_parent() -> None:
    script = (
        "import os, sys, threading\n"
        "from streaming.ffmpeg.process import FfmpegProcess\n"
        f"process = FfmpegProcess(lambda fds: {COPY!r} + [f'pipe:{{fds[0]}}'], outputs=1)\n"
        "print(process.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        child = Path(f"/proc/{pid}")
        deadline = time.monotonic() + 5
        while not (child / "comm").read_text().startswith("ffmpeg"):  # setpriv is still at work
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(pid, signal.SIGSTOP)  # else it would end with its input
        parent.kill()
    deadline = time.monotonic() + 5
    while child.exists() and "Z" not in (child / "stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
