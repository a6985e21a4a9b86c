"""Logs, as a process prints them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import settings

SCRIPT = """
import django, logging, structlog
django.setup()
structlog.get_logger("ours").info("broadcast.live", broadcast="b", parts=5)
logging.getLogger("theirs").warning("lost %s", "it")
logging.getLogger("uvicorn.error").info("nobody acts on this")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("theirs").exception("failed")
"""


QUOTING = """
import django, logging, structlog
django.setup()
from accounts.secrets import new_secret
key, token = new_secret("live").text, new_secret("hr").text
print(key, token)
structlog.get_logger("ours").info("refused", sentence=f"what is {key}?")
try:
    raise ValueError(f"/streams/start of {token}")
except ValueError:
    logging.getLogger("theirs").exception("failed on %s", key)
"""


OUTAGES = """
import django, logging, structlog, redis
django.setup()
from django.db import connection
from streaming.bus.reading import now_ms
from streaming.bus.redis import Valkey
for call in (connection.ensure_connection, lambda: Valkey("unix:///nowhere/s").run(now_ms())):
    try:
        call()
    except Exception as error:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("theirs").error("failed %s", "too", exc_info=error)
for error in (redis.ConnectionError("away"), KeyError("layer")):
    logging.getLogger("channels_redis.pubsub").error("failed", exc_info=error)
try:
    try:
        connection.ensure_connection()
    except Exception:
        {}["missing"]
except KeyError:
    structlog.get_logger("ours").exception("a fault")
"""


def printed(folder: Path, **environment: str) -> str:
    done = run(SCRIPT, folder, **environment)
    assert not done.stdout
    return done.stderr


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "x" * 50,
            "DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            **environment,
        },
        cwd=settings.BASE_DIR,
        check=True,
        capture_output=True,
        text=True,
    )


def test_json_is_one_object_a_line_whoever_logs(tmp_path: Path) -> None:
    ours, theirs, failed = map(json.loads, printed(tmp_path, LOG_FORMAT="json").splitlines())
    assert (ours["event"], ours["broadcast"], ours["parts"], ours["level"]) == ("broadcast.live", "b", 5, "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("lost it", "theirs", "warning")
    assert "ZeroDivisionError" in failed["exception"]


def test_console_is_for_reading(tmp_path: Path) -> None:
    first, second, *failed = printed(tmp_path).splitlines()
    assert first.endswith("[info     ] broadcast.live [ours] broadcast=b parts=5")
    assert second.endswith("[warning  ] lost it [theirs]")
    assert failed[-1] == "ZeroDivisionError: division by zero"


def test_level_hides_what_is_below(tmp_path: Path) -> None:
    assert "broadcast.live" not in printed(tmp_path, LOG_LEVEL="warning")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_key_or_token_that_an_error_quotes_is_cut_off(tmp_path: Path, form: str) -> None:
    done = run(QUOTING, tmp_path, LOG_FORMAT=form)
    for secret in done.stdout.split():
        assert secret not in done.stderr
    assert "live_…" in done.stderr or "live_\\u2026" in done.stderr
    assert "hr_" in done.stderr


def test_an_engine_that_is_away_is_a_line_and_a_fault_beside_it_is_not(tmp_path: Path) -> None:
    said = run(OUTAGES, tmp_path, LOG_FORMAT="json", DATABASE_URL="postgresql://nobody@/nothing?host=/nowhere").stderr
    *away, layer, fault = map(json.loads, said.splitlines())
    assert [line["event"] for line in away] == ["failed", "failed too"] * 2
    assert all("exception" not in line and "/nowhere" in line["away"] for line in away)
    assert "KeyError: 'layer'" in layer["exception"]  # what it says each second of an outage is not repeated
    assert "KeyError" in fault["exception"]
