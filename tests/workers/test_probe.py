"""Trying a device out, with the CPU's encoder, and with ffmpegs that fail as a GPU's would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from streaming.bus.devices import DeviceKind
from streaming.ffmpeg.command import VideoEncoder
from workers.probe import LIMIT_SECONDS, Measured, ProbeFailed, ProbeLate, probe
from workers.prober import Prober

Ffmpeg = Callable[[str], str]


@pytest.fixture
def ffmpeg(tmp_path: Path) -> Ffmpeg:
    """An executable that does this before it is ffmpeg; `$*` are its arguments, `$there` is a folder of the test's."""

    def made(shell: str) -> str:
        script = tmp_path / "ffmpeg"
        script.write_text(f'#!/bin/sh\nthere={tmp_path}\n{shell}\nexec {settings.FFMPEG} "$@"\n')
        script.chmod(0o755)
        return str(script)

    return made


def on_cpu(executable: str, kind: DeviceKind = DeviceKind.CPU, limit_seconds: float = LIMIT_SECONDS) -> Measured:
    return probe(executable, kind, VideoEncoder.X264, cores=2, limit_seconds=limit_seconds)


def test_a_cpu_is_measured_by_encoding() -> None:
    measured = on_cpu(settings.FFMPEG)
    assert measured.ladders is None
    assert measured.capacity > 10_000_000


def test_a_limit_of_sessions_is_a_device_with_fewer_slots(ffmpeg: Ffmpeg) -> None:
    # At most two ladders at a time find a session; the others are told what NVENC's driver tells.
    limited = """case "$*" in *filter_complex*)
      for n in 1 2; do
        exec 9>$there/session.$n
        if flock -n 9; then held=1; break; fi
      done
      if [ -z "$held" ]; then
        echo "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)" >&2
        echo "Error while opening encoder" >&2
        exit 1
      fi
    esac"""
    assert on_cpu(ffmpeg(limited), DeviceKind.GPU).ladders == 2


@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        (
            'case "$*" in *filter_complex*) echo "Cannot load libcuda.so.1" >&2; exit 1; esac',
            "Cannot load libcuda.so.1",
        ),
        (
            'case "$*" in *filter_complex*) echo "failed: out of memory (10)" >&2; exit 1; esac',
            "out of memory",
        ),
    ],
)
def test_a_device_that_does_not_encode_says_why(ffmpeg: Ffmpeg, shell: str, reason: str) -> None:
    with pytest.raises(ProbeFailed, match=reason):
        on_cpu(ffmpeg(shell), limit_seconds=1.5)


HANGS = 'case "$*" in *filter_complex*) exec sleep 60; esac'


def test_a_gpu_that_hangs_does_not_encode(ffmpeg: Ffmpeg) -> None:
    with pytest.raises(ProbeFailed, match="not encoded in time") as failure:
        on_cpu(ffmpeg(HANGS), DeviceKind.GPU, limit_seconds=0.5)
    assert not isinstance(failure.value, ProbeLate)


def test_cores_that_are_busy_are_no_worse_for_it(ffmpeg: Ffmpeg) -> None:
    with pytest.raises(ProbeLate):
        on_cpu(ffmpeg(HANGS), limit_seconds=0.5)


def test_a_device_that_encodes_other_pictures_is_seen_through(ffmpeg: Ffmpeg) -> None:
    broken = 'case "$*" in *filter_complex*) set -- $(echo "$*" | sed "s/\\[0:v\\]split/[0:v]negate,split/"); esac'
    with pytest.raises(ProbeFailed, match="shows other pictures"):
        on_cpu(ffmpeg(broken))


def test_a_gpu_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(ProbeFailed, match=r"libcuda|[Nn]o device|CUDA"):
        probe(settings.FFMPEG, DeviceKind.GPU, VideoEncoder.NVENC, cores=1)


def test_a_device_is_probed_again_when_it_is_suspect_or_failed() -> None:
    answers: list[Measured | Exception] = [
        ProbeLate("busy"),
        ProbeFailed("not yet"),
        OSError("no memory"),
        Measured(1),
        Measured(2),
    ]
    found: list[Measured | None] = []
    changed = threading.Semaphore(0)

    def once() -> Measured:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def note(measured: Measured | None) -> None:
        found.append(measured)
        changed.release()

    prober = Prober("d", once, note, rest_seconds=0.0)
    prober.start()
    assert changed.acquire(timeout=10)
    assert changed.acquire(timeout=10)
    prober.suspect()
    assert changed.acquire(timeout=10)
    prober.close()
    prober.join(10)
    assert found == [None, Measured(1), Measured(2)]
