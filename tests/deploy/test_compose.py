"""`docker-compose.yml` lays out the processes that `make run` starts, with the same options, by Compose's schema."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from config import settings
from deploy.edge.programs import CONFIGURATION
from deploy.local import installation

FILE = settings.BASE_DIR / "docker-compose.yml"
CONDITIONS = {"service_healthy", "service_completed_successfully"}
STEP = "migrate"
"""It ends, so nobody asks how it is."""
ENGINES = {"postgres", "bus", "state", "broker", "s3"}
HERE_ONLY = {"--host", "--port", "--no-proxy-headers"}
OURS = {
    "live": "uvicorn config.asgi:application",
    "pages": "daphne config.asgi:application",
    "ingest": "manage.py ingest",
    "irc": "manage.py irc",
    "dispatcher": "manage.py dispatcher",
    "workers": "manage.py workers",
    "workers-gpu": "manage.py workers",
    "beat": "celery -q -A config beat",
    "flower": "celery -A config flower",
    "migrate": "manage.py migrate",
}


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def options(argv: list[str]) -> dict[str, str]:
    """Each option with its value, "" for a flag."""
    following = itertools.pairwise([*argv, "--"])
    return {name: "" if value.startswith("--") else value for name, value in following if name.startswith("--")}


def test_the_file_keeps_compose_s_schema() -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_process_of_ours_has_a_service_that_is_not_root(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service.get("image") == "headrace"} == OURS.keys()
    for name, command in OURS.items():
        assert command in services[name]["command"], name
        assert services[name]["read_only"], name
    assert re.findall(r"^USER (\w+)$", (settings.BASE_DIR / "Dockerfile").read_text(), re.MULTILINE) == ["headrace"]


def test_every_service_is_watched_bounded_and_comes_back(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("no" if name == STEP else "unless-stopped"), name
        assert bool(service["healthcheck"].get("disable")) == (name == STEP), name
        assert service["mem_limit"] and service["pids_limit"], name  # noqa: PT018
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert bool(service.get("cap_add")) == (name in ENGINES), name
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS or (name, needed) == ("cache", "edge"), name


def test_no_secret_is_in_the_file(services: dict[str, Any]) -> None:
    told = {
        (name, variable): str(value)
        for name, service in services.items()
        for variable, value in service.get("environment", {}).items()
        if re.search("KEY|PASSWORD|SECRET|AUTH", variable) and variable != "AWS_ACCESS_KEY_ID"
    }
    assert told
    assert all(re.search(r"\$\{\w+:\?", value) for value in told.values()), told


def test_live_has_the_options_it_has_on_one_machine(services: dict[str, Any]) -> None:
    expected = options(list(installation.web().argv))
    assert expected.items() >= {"--ws": "chat.websocket:FanOutProtocol"}.items()
    given = options(services["live"]["command"].split())
    assert {name: given.get(name) for name in expected.keys() - HERE_ONLY} == {
        name: value for name, value in expected.items() if name not in HERE_ONLY
    }


def test_only_the_edge_and_rtmp_are_for_the_public(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    public = {
        name for name, ports in published.items() if not all(str(port).startswith("127.0.0.1:") for port in ports)
    }
    assert public == {"edge", "ingest"}
    # Behind an edge, what it says of a client's address is true.
    assert {"--proxy-headers"} <= set(services["pages"]["command"].split())
    assert options(services["live"]["command"].split())["--forwarded-allow-ips"] == "*"


def test_nothing_but_our_processes_reaches_the_engines(services: dict[str, Any]) -> None:
    """The Valkeys hold no lock against who reaches them (docs/security.md)."""
    networks = yaml.safe_load(FILE.read_text())["networks"]
    assert networks["engines"] == {"internal": True}
    inside = {name for name, service in services.items() if "engines" in service["networks"]}
    assert inside == ENGINES | OURS.keys()
    assert all(services[name]["networks"] == ["engines"] for name in ENGINES)


def test_what_is_written_to_has_a_volume_that_its_user_may_write(services: dict[str, Any]) -> None:
    """Of a file system that is read only: recordings, films that grow, and what CUDA has compiled."""
    dockerfile = (settings.BASE_DIR / "Dockerfile").read_text()
    owned = set(re.findall(r"var/\w+", re.findall(r"install -d -o headrace (.+)", dockerfile)[0]))
    assert owned == {"var/media", "var/work", "var/cuda"}
    for name in ("workers", "workers-gpu"):
        mounted = {volume.partition(":/headrace/")[2] for volume in services[name]["volumes"]}
        assert {"var/media", "var/work"} <= mounted <= owned
    assert services["workers-gpu"]["environment"]["CUDA_CACHE_PATH"] == "/headrace/var/cuda"


def test_pages_and_ingest_tell_where_webrtc_comes_to(services: dict[str, Any]) -> None:
    assert {services[name]["environment"]["WHIP_URL"] for name in OURS} == {"${PUBLIC_URL:-https://localhost}/whip"}


def test_no_secret_of_an_installation_goes_into_the_image() -> None:
    left_out = (settings.BASE_DIR / ".dockerignore").read_text().split()
    assert {".env*", "**/*.pem", "**/*.key"} <= set(left_out)


def test_the_image_is_made_of_what_is_there() -> None:
    """Of the folder that it is built in; `--from` copies of another stage."""
    left_out = {"node_modules", "static/vendor", "var", ".venv"}
    for line in re.findall(r"^COPY (?!--from)(.+)$", (settings.BASE_DIR / "Dockerfile").read_text(), re.MULTILINE):
        for path in line.split()[:-1]:
            assert (settings.BASE_DIR / path).exists(), path
            assert path not in left_out, path


def test_the_ports_that_webrtc_media_comes_to_are_published(services: dict[str, Any]) -> None:
    ports = services["ingest"]["environment"]["WHIP_UDP_PORTS"]
    assert f"{ports}:{ports}/udp" in services["ingest"]["ports"]


def test_the_edge_is_told_all_that_its_configuration_asks_for(services: dict[str, Any]) -> None:
    text = CONFIGURATION.read_text()
    optional = set(re.findall(r"\.if defined\((\w+)\)", text))
    asked = set(re.findall(r"\$\{(\w+)\}", text))
    given = services["edge"]["environment"].keys()
    assert asked - optional <= given
    assert given <= asked


def test_whatever_a_service_reads_of_the_repository_is_there(services: dict[str, Any]) -> None:
    mounted = [str(volume).split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    assert all((settings.BASE_DIR / path).exists() for path in mounted if path.startswith("./"))
