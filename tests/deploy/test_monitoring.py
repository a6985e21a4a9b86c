"""Alerts wake whom they should, and nothing that is looked at is a metric that nobody tells."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest
import yaml

import config.asgi
import streaming.ingest.metrics
import streaming.ingest.whip.metrics
import streaming.playback.metrics  # noqa: F401
import workers.dispatcher.metrics
import workers.metrics  # noqa: F401
from config import settings
from deploy.monitoring import dashboards
from streaming.broadcast_metrics import Broadcasts
from streaming.bus.redis import Valkey
from streaming.valkey_metrics import Valkeys
from workers.fleet_metrics import Fleet

FOLDER = settings.BASE_DIR / "deploy" / "monitoring"
SEVERITIES = {"P0", "P1", "P2", "P3"}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool here: apt-get install prometheus")
    return subprocess.run([tool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    done = promtool("test", "rules", "alerts.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration() -> None:
    done = promtool("check", "config", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_says_how_bad_it_is_and_in_words() -> None:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["labels"]["severity"] for rule in rules} == SEVERITIES
    assert all(rule["annotations"]["summary"] for rule in rules)


def test_operators_are_told_what_each_alert_wants() -> None:
    rules = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())
    table = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    assert sorted(rules) == sorted(
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in row.replace("`", "").split(", ")
    )


@pytest.fixture
def told(bus_url: str, state_url: str) -> set[str]:
    """The names of all that our processes tell Prometheus."""
    registries = [*prometheus_client.REGISTRY.collect()]
    names = {family.name for family in registries}
    names |= {sample.name for family in registries for sample in family.samples}
    bus, state = (Valkey(url, connections=1, readers=1) for url in (bus_url, state_url))
    names |= {family.name for family in Broadcasts(bus=bus, state=state, now_ms=lambda: 0).collect()}
    names |= {family.name for family in Valkeys({"bus": bus}).collect()}
    names |= {family.name for family in Fleet(bus).collect()}
    # A counter's sample is its name and `_total`, a histogram's that and `_count`, `_bucket`; without a label none yet.
    return names | {f"{name}{end}" for name in names for end in ("_total", "_count", "_bucket")}


def asked() -> Iterator[tuple[str, str]]:
    """Each metric of ours that a file names."""
    files: list[Path] = [FOLDER / "alerts.yml", FOLDER / "alerts.test.yml", *(FOLDER / "grafana").glob("*.json")]
    for file in files:
        yield from ((file.name, name) for name in re.findall(r"\b(?:headrace|process)_[a-z_]+", file.read_text()))


def test_whatever_is_asked_for_is_told(told: set[str]) -> None:
    assert not sorted({(file, name) for file, name in asked() if name not in told})


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_dashboards_are_as_their_code_writes_them(name: str) -> None:
    file = dashboards.FOLDER / f"{name}.json"
    assert file.read_text() == dashboards.written(name), "run python -m deploy.monitoring.dashboards"


def test_metrics_are_no_page_of_the_site() -> None:
    assert settings.METRICS_HOST == "127.0.0.1"
    assert config.asgi.PLAYBACK_PATH.match("/metrics") is None
