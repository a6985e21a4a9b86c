"""Prometheus beside a running installation: what Grafana shows and alerts look at is there while a broadcast is on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser

from bench.browser import choose_quality, qualities, until
from bench.encoder import ClockEncoder, Picture, by_whip
from bench.rig import BASE_DIR, Rig, free_port
from deploy.monitoring.dashboards import BROADCAST, FLEET
from streaming.metrics import PROCESSES

pytestmark = pytest.mark.timeout(240)

RULES = BASE_DIR / "deploy" / "monitoring" / "alerts.yml"
UNTIL_TROUBLE = {"ALERTS", "headrace_ingest_refusals_total", "headrace_deadline_misses_total"}
"""What has no value before something goes wrong."""
LEFT_ALONE = {"P0", "P1"}
"""Severities of which nobody is woken by a broadcast that is well, on however slow a machine."""


class Prometheus:
    """Answers queries over what it has scraped."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression has now, none while Prometheus starts."""
        address = f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except OSError:
            return []

    def until(self, expressions: set[str], *, seconds: float = 60) -> None:
        """Waits until each of them has a value."""
        deadline = time.monotonic() + seconds
        while missing := {one for one in expressions if not self.query(one)}:
            assert time.monotonic() < deadline, f"nothing is told of {sorted(missing)}"
            time.sleep(0.5)


@pytest.fixture
def prometheus(alone: Rig, tmp_path: Path) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no Prometheus here: apt-get install prometheus")
    scrapes = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{alone.metrics_port + step}"]}]}
        for step, name in enumerate(PROCESSES)
    ]
    pace = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config, port = tmp_path / "prometheus.yml", free_port()
    config.write_text(yaml.safe_dump({"global": pace, "rule_files": [str(RULES)], "scrape_configs": scrapes}))
    argv = (program, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}", "--log.level=warn")
    with subprocess.Popen([*argv, f"--web.listen-address=127.0.0.1:{port}"], cwd=tmp_path) as process:
        yield Prometheus(f"http://127.0.0.1:{port}")
        process.terminate()


def told(expression: str) -> set[str]:
    """The metrics that an expression asks for."""
    return set(re.findall(r"\b(?:headrace|process)_[a-z_]+|\bALERTS\b|\bup\b", expression))


def test_each_panel_and_each_alert_has_what_it_looks_at(alone: Rig, browser: Browser, prometheus: Prometheus) -> None:
    streamer = alone.streamer("monitored")
    picture = Picture(width=640, height=360, bitrate=600_000)
    with ClockEncoder(picture, by_whip(alone.whip_url, streamer.key)):
        broadcast = alone.broadcast_of(streamer.login, seconds=30)
        page = browser.new_page()
        page.goto(streamer.watch_url)
        until(page, "document.querySelector('[data-player]').dataset.state === 'live'", seconds=30)
        choose_quality(page, next(name for name in qualities(page) if name not in {"auto", "source", "audio"}))
        prometheus.until({f'up{{job="{name}"}} == 1' for name in PROCESSES})
        panels = {
            query.replace("$broadcast", broadcast)
            for panel in (*FLEET, *BROADCAST)
            for _, query in panel.queries
            if not told(query) & UNTIL_TROUBLE
        }
        prometheus.until(panels)
        groups = yaml.safe_load(RULES.read_text())["groups"]
        looked_at = {name for group in groups for rule in group["rules"] for name in told(rule["expr"])}
        prometheus.until(looked_at - UNTIL_TROUBLE)
        firing = prometheus.query('ALERTS{alertstate="firing"}')
        assert not [one for one in firing if one["metric"]["severity"] in LEFT_ALONE]
        page.close()
