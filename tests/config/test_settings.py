"""Settings come from the environment, and what makes no sense stops the process with a sentence."""

from __future__ import annotations

import os
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.bin.celery import celery
from click import Option
from django.core.exceptions import ImproperlyConfigured

from config import settings

Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads the settings anew, from the environment that the keywords make and a data folder of the test's own."""

    def read(**environment: str) -> dict[str, Any]:
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in {"SECRET_KEY": "x" * 50, "DATA_DIR": str(tmp_path), **environment}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(settings.BASE_DIR / "config" / "settings.py"))

    return read


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY must have at least 32 characters"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must have at least 32 characters"),
        ({"RTMP_PORT": "http"}, "RTMP_PORT='http' must be a whole number"),
        ({"RTMP_PORT": "70000"}, "from 1 to 65535"),
        ({"WHIP_ADDRESSES": "198.51.100.7, nowhere"}, "WHIP_ADDRESSES: 'nowhere' does not appear to be an IPv4"),
        ({"WHIP_UDP_PORTS": "50000"}, "WHIP_UDP_PORTS='50000' must be a range of ports"),
        ({"WHIP_UDP_PORTS": "50100-50000"}, "must lie between 1024 and 65535, the lower port first"),
        ({"WHIP_URL": "whip.example"}, "WHIP_URL must start with http:// or https://"),
        ({"DEBUG": "maybe"}, "DEBUG='maybe' must be true or false"),
        ({"DATABASE_URL": "mysql://localhost/headrace"}, "DATABASE_URL must start with postgres:// or postgresql://"),
        ({"DATABASE_URL": "postgresql://localhost"}, "names no database"),
        ({"PUBLIC_URL": "headrace.example"}, "PUBLIC_URL must start with http:// or https://"),
        ({"RTMPS_CERT": "/nowhere.pem"}, "is not a file this process can read"),
        ({"RTMPS_CERT": __file__}, "RTMPS_CERT and RTMPS_KEY go together"),
        ({"LOG_FORMAT": "xml"}, "must be console or json"),
        ({"EMAIL_VERIFICATION": "perhaps"}, "must be mandatory, optional or none"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(read: Read, environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        read(**environment)


def test_secret_key_of_make_run_is_found(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("k" * 64 + "\n")
    assert read(SECRET_KEY="")["SECRET_KEY"] == "k" * 64


def test_engines_default_to_the_sockets_of_make_run(read: Read) -> None:
    found = read()
    run = found["RUN_DIR"]
    assert found["DATABASES"]["default"]["HOST"] == f"{run}/postgres"
    assert found["BUS_URL"] == f"unix://{run}/bus/valkey.sock"
    assert found["STATE_URL"] == f"unix://{run}/state/valkey.sock"
    assert found["CELERY_BROKER_URL"] == f"redis+socket://{run}/state/valkey.sock?virtual_host=0"


def test_socket_names_of_a_deep_folder_stay_within_sun_path(read: Read, tmp_path: Path) -> None:
    run = read(DATA_DIR=str(tmp_path / ("deep/" * 20)))["RUN_DIR"]
    assert len(f"{run}/postgres/.s.PGSQL.5432.lock") <= 107


def test_database_url_is_unquoted_and_passes_options_on(read: Read) -> None:
    default = read(DATABASE_URL="postgresql://us%40er:p%2Fw@db:6543/name?sslmode=require")["DATABASES"]["default"]
    assert (default["USER"], default["PASSWORD"]) == ("us@er", "p/w")
    assert (default["HOST"], default["PORT"], default["NAME"]) == ("db", "6543", "name")
    assert default["OPTIONS"]["sslmode"] == "require"


def test_public_url_decides_on_cookies_hosts_and_the_address_for_encoders(read: Read) -> None:
    found = read(PUBLIC_URL="https://live.example/")
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is True
    assert "live.example" in found["ALLOWED_HOSTS"]
    assert read(ALLOWED_HOSTS="live.example")["ALLOWED_HOSTS"] == ["live.example"]
    assert found["RTMP_URL"] == "rtmp://live.example:1935/live"
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://live.example"]


def test_local_installation_sends_cookies_without_tls(read: Read) -> None:
    assert read()["SESSION_COOKIE_SECURE"] is False


def test_the_bus_gets_a_quarter_of_the_machines_memory(read: Read) -> None:
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    assert int(read()["BUS_MEMORY"].removesuffix("mb")) == pytest.approx(megabytes / 4, abs=1)
    assert read(BUS_MEMORY="3gb")["BUS_MEMORY"] == "3gb"


def test_no_variable_is_one_that_celery_s_commands_take_for_theirs() -> None:
    ours = set(re.findall(r'\("([A-Z][A-Z0-9_]+)"', (settings.BASE_DIR / "config" / "settings.py").read_text()))
    theirs = {option.envvar for option in celery.params if isinstance(option, Option)}
    assert "STATE_URL" in ours
    assert "BROKER_URL" in theirs
    assert not ours & theirs
