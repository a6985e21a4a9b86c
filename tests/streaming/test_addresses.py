"""Addresses are those by which somebody came, unless the site has a name."""

import pytest
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory
from pytest_django import Settings

from streaming.addresses import rtmp_url, site_url


@pytest.fixture(autouse=True)
def unnamed(settings: Settings) -> None:
    """A site that was told no name, on a machine that has an address."""
    settings.PUBLIC_URL = "http://localhost:8000"
    settings.RTMP_URL = "rtmp://localhost:1935/live"
    settings.ALLOWED_HOSTS = ["localhost", "192.0.2.5", "[::1]"]


@pytest.mark.parametrize("host", ["192.0.2.5", "[::1]", "localhost"])
def test_an_unnamed_site_answers_with_the_host_it_was_asked_by(host: str) -> None:
    request = RequestFactory().get("/", HTTP_HOST=f"{host}:8000")
    assert site_url(request) == f"http://{host}:8000"
    assert rtmp_url(request) == f"rtmp://{host}:1935/live"


def test_a_named_site_says_its_name(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://live.example.org"
    settings.RTMP_URL = "rtmps://ingest.example.org/live"
    request = RequestFactory().get("/", HTTP_HOST="192.0.2.5:8000")
    assert site_url(request) == "https://live.example.org"
    assert rtmp_url(request) == "rtmps://ingest.example.org/live"


def test_a_forged_host_gets_no_answer() -> None:
    with pytest.raises(DisallowedHost):
        rtmp_url(RequestFactory().get("/", HTTP_HOST="evil.example"))
