"""`docker-compose.yml` lays out the processes that `make run` starts, with the same options."""

from __future__ import annotations

import itertools

import pytest
import yaml

from config import settings
from deploy.local import installation

HERE_ONLY = {"--host", "--port", "--no-proxy-headers"}


@pytest.fixture
def web() -> list[str]:
    services = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())["services"]
    return str(services["web"]["command"]).split()


def options(argv: list[str]) -> dict[str, str]:
    """Each option with its value, "" for a flag."""
    following = itertools.pairwise([*argv, "--"])
    return {name: "" if value.startswith("--") else value for name, value in following if name.startswith("--")}


def test_web_has_the_options_it_has_on_one_machine(web: list[str]) -> None:
    expected = options(list(installation.web().argv))
    assert expected.items() >= {"--ws": "websockets-sansio"}.items()
    given = options(web)
    assert {name: given.get(name) for name in expected.keys() - HERE_ONLY} == {
        name: value for name, value in expected.items() if name not in HERE_ONLY
    }


def test_web_believes_the_trusted_proxies(web: list[str]) -> None:
    given = options(web)
    assert "--proxy-headers" in given
    assert given["--forwarded-allow-ips"] == "${TRUSTED_PROXIES:-127.0.0.1}"
