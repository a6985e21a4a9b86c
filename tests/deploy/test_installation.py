"""`make run` as a whole: one start, on ports and data of its own."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import pytest

from config import settings
from tests.deploy import installation
from tests.deploy.installation import COMMAND


@pytest.fixture
def environment(session_folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    return installation.environment(session_folder / str(request.node.name)[:20])


def get(port: str, path: str, **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_starts_restarts_refuses_a_second_and_stops(environment: dict[str, str]) -> None:
    with installation.installed(environment) as running:
        check_a_life(running, environment)


def check_a_life(running: installation.Installation, environment: dict[str, str]) -> None:
    data = Path(environment["DATA_DIR"])
    running.until(r"stop +Ctrl-C")

    assert get(environment["HTTP_PORT"], "/readyz") == 200
    assert get(environment["HTTP_PORT"], "/static/player/stage.js") == 200
    socket.create_connection(("127.0.0.1", int(environment["RTMP_PORT"]))).close()

    # Operators have their own ports; the site has no such page.
    assert get(environment["METRICS_PORT"], "/metrics") == 200
    assert get(environment["HTTP_PORT"], "/metrics") == 404

    # Flower is for who may read the password, and so are the secrets.
    password = (data / "flower_password").read_text().strip()
    assert get(environment["FLOWER_PORT"], "/") == 401
    credentials = b64encode(f"headrace:{password}".encode()).decode()
    assert get(environment["FLOWER_PORT"], "/", Authorization=f"Basic {credentials}") == 200
    for secret in ("secret_key", "flower_password"):
        assert stat.S_IMODE((data / secret).stat().st_mode) == 0o600

    second = subprocess.run(
        COMMAND, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr == (
        f"headrace: Headrace already runs on {data} (process {running.process.pid}). Stop it first, or set DATA_DIR.\n"
    )

    # Who asks while an engine is away is told so, and the log gets a line.
    for words in (("valkey", "state"), ("valkey", "bus"), ("postgres",)):
        os.kill(running.child(*words), signal.SIGKILL)
        running.until(r"was killed by SIGKILL; starting it again")
        get(environment["HTTP_PORT"], "/streams")
    running.until(r"postgres +\| LOG: +database system is ready to accept connections")
    os.kill(running.child("uvicorn"), signal.SIGKILL)
    running.until(r"was killed by SIGKILL; starting it again")

    running.process.send_signal(signal.SIGINT)
    running.until(r"postgres +\| LOG: +database system is shut down")
    assert running.process.wait(35) == 0
    assert "Traceback" not in running.printed


def test_names_a_taken_port_before_it_starts_anything(environment: dict[str, str]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            COMMAND,
            env=environment | {"RTMP_PORT": str(port)},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"headrace: Port {port} (RTMP, from encoders) is taken by another program. "
        f"Stop that program, or choose another port: make run RTMP_PORT={port + 1}\n"
    )
    assert not (Path(environment["DATA_DIR"]) / "postgres").exists()


def test_a_setting_that_makes_no_sense_is_a_sentence(environment: dict[str, str]) -> None:
    done = subprocess.run(
        COMMAND,
        env=environment | {"LOG_FORMAT": "xml"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "headrace: LOG_FORMAT='xml' must be console or json.\n")
