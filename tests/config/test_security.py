"""What the site's answers tell browsers to refuse, and that a deployment by HTTPS has no hole Django knows of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from config import settings as config

PUBLIC_URL = "https://live.example.org"


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/", "/nobody", "/healthz", "/admin/login/", "/api/docs"])
def test_every_page_runs_only_scripts_of_the_site(client: Client, url: str) -> None:
    answer = client.get(url)
    policy = dict(rule.split(" ", 1) for rule in answer["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "camera=(self)" in answer["Permissions-Policy"]


TEMPLATES = sorted((config.BASE_DIR / "templates").rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(config.BASE_DIR)))
def test_no_template_needs_a_script_in_its_html(template: Path) -> None:
    html = template.read_text()
    for attributes, text in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL):
        assert "src=" in attributes or 'type="application/json"' in attributes, text
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", html), "a handler in an attribute never runs under the policy"


def deployed(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py in a deployment by HTTPS."""
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "aB3-_" * 13, "DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, str(config.BASE_DIR / "manage.py"), *command],
        env={**environment, "PUBLIC_URL": PUBLIC_URL},
        capture_output=True,
        text=True,
        check=False,
    )


def test_django_finds_nothing_to_warn_of(tmp_path: Path) -> None:
    found = deployed(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert found.returncode == 0, found.stderr


@pytest.fixture
def behind_tls(settings: Settings) -> Client:
    """A client of the site as HTTPS makes it."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    return Client()


@pytest.mark.django_db
def test_whoever_comes_without_tls_is_sent_to_it_but_probes(behind_tls: Client) -> None:
    answer = behind_tls.get("/directory?a=1")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/directory?a=1")
    assert behind_tls.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_browsers_remember_tls_and_keep_cookies_to_this_host(behind_tls: Client) -> None:
    User.objects.create_user("alice", password="correct horse 9")
    answer = behind_tls.post("/accounts/login/", {"login": "alice", "password": "correct horse 9"}, secure=True)
    assert answer["Strict-Transport-Security"] == "max-age=31536000"
    cookie = answer.cookies["__Host-sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        *(True, True, "Lax"),
        *("/", ""),
    )


@pytest.mark.django_db
def test_accounts_from_one_address_are_counted(client: Client, settings: Settings) -> None:
    assert config.ACCOUNT_RATE_LIMITS["signup"].endswith("/h/ip")
    settings.ACCOUNT_RATE_LIMITS = {"signup": "2/h/ip"}
    answers = [client.post("/accounts/signup/", {"username": "x"}).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


@pytest.mark.django_db
def test_a_password_is_guessed_five_times_whatever_the_address(client: Client) -> None:
    User.objects.create_user("alice", password="correct horse 9")

    def guess(number: int, password: str) -> bytes:
        fields = {"login": "alice", "password": password}
        return client.post("/accounts/login/", fields, REMOTE_ADDR=f"192.0.2.{number}").content

    for number in range(5):
        guess(number, "wrong horse 9")
    assert b"Too many failed" in guess(9, "correct horse 9")
