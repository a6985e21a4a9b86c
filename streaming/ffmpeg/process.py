"""The one door to the subprocess: every ffmpeg that Headrace runs is started here.

Each dies with this process, has no shell, no files to write (but for CUDA's own) and a bound on its memory, and sees
none of our environment's secrets.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from streaming.ffmpeg.errors import FfmpegError, FfmpegGone, FfmpegTimeout

MEMORY_BYTES = 4 * 1024**3
"""Memory of one ffmpeg (RLIMIT_DATA, which counts what is private and writable). A ladder of a 4K source takes under
half. RLIMIT_AS would count what is merely reserved, as on many cores, and CUDA reserves more than the GPU's memory."""
CUDA_FILE_BYTES = 1024**3
"""The largest file that an ffmpeg on a GPU may write; others write none. CUDA's driver puts the kernels that it has
compiled (`scale_cuda` is PTX) into ~/.nv/ComputeCache, 1 GiB at most, and shares memory through files; at a limit of 0
the first such write would end ffmpeg with SIGXFSZ (setrlimit(2)), and without that cache each would compile anew."""
STDERR_BYTES = 4096
"""How much of its last words is kept."""
READ_BYTES = 256 * 1024
KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "HOME", "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "CUDA_CACHE_PATH")

# PR_SET_PDEATHSIG fires when the *thread* that forked ends, so one thread that never ends does all the forking.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ffmpeg-spawner")


def _popen(
    argv: Sequence[str], *, pass_fds: Sequence[int], stdout: int, file_bytes: int = 0
) -> subprocess.Popen[bytes]:
    limited = [
        *("setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--"),
        *("prlimit", f"--data={MEMORY_BYTES}", f"--fsize={file_bytes}", "--core=0", "--"),
        *argv,
    ]
    return _spawner.submit(
        subprocess.Popen,
        limited,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=pass_fds,
        env={name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
    ).result()


def run(argv: Sequence[str], data: bytes, *, timeout: float) -> bytes:
    """Runs ffmpeg to its end with `data` on standard input and answers its standard output.

    `timeout` is in seconds. Raises FfmpegTimeout, FfmpegError.
    """
    process = _popen(argv, pass_fds=(), stdout=subprocess.PIPE)
    try:
        output, errors = process.communicate(data, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
        raise FfmpegTimeout(argv, None, _text(errors)) from None
    if process.returncode:
        raise FfmpegError(argv, process.returncode, _text(errors))
    return output


class FfmpegProcess:
    """A running ffmpeg: fed on standard input by one thread, read by another that runs `pump`."""

    def __init__(
        self, command: Callable[[Sequence[int]], Sequence[str]], *, outputs: int, on_gpu: bool = False
    ) -> None:
        """Starts what `command` answers to the list of `outputs` descriptors that ffmpeg may write to."""
        pipes = [os.pipe() for _ in range(outputs)]
        writable = [write for _, write in pipes]
        self._outputs = [read for read, _ in pipes]
        self._stderr = b""
        self._input = threading.Lock()
        """Held while standard input is used, so that it isn't closed under a writer's hands."""
        self.cpu_seconds = 0.0
        """What it has used, once it has ended by itself; 0 if that is not known."""
        self.argv = tuple(command(writable))
        try:
            self._process = _popen(
                self.argv,
                pass_fds=writable,
                stdout=subprocess.DEVNULL,
                file_bytes=CUDA_FILE_BYTES if on_gpu else 0,
            )
        except BaseException:
            for descriptor in self._outputs:
                os.close(descriptor)
            raise
        finally:
            for descriptor in writable:
                os.close(descriptor)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status once it has ended, negative for a signal."""
        return self._process.poll()

    def write(self, data: bytes) -> None:
        """Feeds bytes; blocks while ffmpeg is busy, until `kill`. Raises FfmpegGone."""
        stdin = self._process.stdin
        assert stdin is not None
        view = memoryview(data)
        try:
            with self._input:
                while view:
                    view = view[stdin.write(view) :]
        except (BrokenPipeError, ValueError) as error:  # ValueError: closed
            raise self.failure(FfmpegGone) from error

    def close_input(self) -> None:
        """Says that nothing more comes: ffmpeg puts out what it holds and ends."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._input:
            stdin.close()

    def pump(self, on_data: Callable[[int, bytes], None]) -> None:
        """Hands over output `(index, bytes)` as it comes, until every output has ended and ffmpeg with them.

        What `on_data` raises kills ffmpeg and is raised again.
        """
        with selectors.DefaultSelector() as selector:
            for index, descriptor in enumerate(self._outputs):
                selector.register(descriptor, selectors.EVENT_READ, index)
            stderr = self._process.stderr
            assert stderr is not None
            selector.register(stderr.fileno(), selectors.EVENT_READ, -1)
            try:
                self._pump(selector, on_data)
                self.cpu_seconds = _cpu_seconds(self._process.pid)
            finally:
                self.kill()
                self._process.wait()
                for descriptor in self._outputs:
                    os.close(descriptor)
                stderr.close()
                self.close_input()
                self._outputs = []

    def _pump(self, selector: selectors.BaseSelector, on_data: Callable[[int, bytes], None]) -> None:
        while selector.get_map():
            for ready, _ in selector.select():
                data = os.read(ready.fd, READ_BYTES)
                if not data:
                    selector.unregister(ready.fd)
                elif ready.data >= 0:
                    on_data(ready.data, data)
                else:
                    self._stderr = (self._stderr + data)[-STDERR_BYTES:]

    def kill(self) -> None:
        """Ends it at once; does nothing if it has ended."""
        self._process.kill()

    def failure(self, kind: type[FfmpegError] = FfmpegError) -> FfmpegError:
        """What went wrong, for raising: its argv, return code and last words."""
        return kind(self.argv, self.returncode, _text(self._stderr))


def _cpu_seconds(pid: int) -> float:
    """What a child has used that is ending, or has ended and was not waited for yet; 0 if another thread did."""
    with suppress(ChildProcessError, FileNotFoundError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        # proc_pid_stat(5): what follows the name in parentheses begins with field 3; utime and stime are 14 and 15.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _text(data: bytes) -> str:
    return data[-STDERR_BYTES:].decode(errors="replace")
