"""The Content Security Policy."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["/", "/nobody", "/healthz", "/admin/login/", "/api/docs"])
def test_every_page_runs_only_scripts_of_the_site(client: Client, url: str) -> None:
    policy = dict(rule.split(" ", 1) for rule in client.get(url)["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
