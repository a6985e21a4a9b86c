"""What a stranger tries on the pages: text that would be HTML, planted sessions, links away, names of others, paths."""

from __future__ import annotations

import http.client
import re
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.admin import site
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiToken, User
from chat import visitors
from chat.errors import UnknownMessage
from chat.models import Ban, BlockedTerm, Emote, HeldMessage, ModAction
from chat.services import moderation
from streaming import services
from streaming.models import Broadcast, Category, Channel
from tests.chat.conftest import serve
from tests.permissions.matrix import MATRIX, PLAYBACK, RECORDINGS, Row
from tests.permissions.test_permissions import address, answer_of, ask
from tests.permissions.world import NOW, PASSWORD, World, make_world
from vods.models import Clip, Vod

HOSTILE = "\"'><script>x</script>"
TEXTS: list[tuple[Any, str]] = [
    *((model, "title") for model in (Channel, Broadcast, Vod, Clip)),
    *((model, "reason") for model in (Ban, HeldMessage)),
    *((ApiToken, "name"), (HeldMessage, "text"), (BlockedTerm, "term")),
]
"""What people may write, by model and field."""


@pytest.fixture
def world(settings: Settings, tmp_path: Path, bus_url: str, state_url: str) -> World:
    settings.MEDIA_ROOT = tmp_path
    return make_world()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "owner", "staff"])
def test_what_people_write_is_text_on_every_page(world: World, role: str) -> None:
    for model, field in TEXTS:
        model.objects.update(**{field: HOSTILE})
    Category.objects.filter(slug=world.facts["slug"]).update(name=HOSTILE)
    for model in (Channel, Broadcast):
        model.objects.update(tags=[HOSTILE], category=Category.objects.get(name=HOSTILE))
    client = world.client(role)
    models = [model._meta for model in site._registry] if role == "staff" else []
    admin = [f"/admin/{meta.app_label}/{meta.model_name}/" for meta in models]
    pages = [address(row.pattern, world.facts) for row in MATRIX if row.method == "GET" and not row.live]
    shown = 0
    for page in [*pages, *admin, f"/search?q={HOSTILE}", f"/directory?tag={HOSTILE}"]:
        answer = client.get(page, follow=True)
        answer_of(answer)
        if "html" in answer.headers.get("Content-Type", ""):
            html = answer.content.decode()
            assert "<script>x" not in html, page
            assert "\"'>" not in re.sub(r"<script[^>]*></script>", "", html), page
            shown += escape(HOSTILE) in html
    assert shown >= 5


@pytest.mark.django_db
def test_a_session_from_before_signing_in_is_worth_nothing_after(world: World) -> None:
    owner, attacker = Client(), Client()
    owner.get("/accounts/login/")
    owner.session.save()
    planted = owner.session.session_key
    owner.cookies["sessionid"] = attacker.cookies["sessionid"] = str(planted)
    owner.post("/accounts/login/", {"login": world.facts["login"], "password": PASSWORD})
    assert owner.get("/dashboard").status_code == 200
    assert owner.cookies["sessionid"].value != planted
    assert attacker.get("/dashboard").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "javascript:x",
        "http:evil.example",
    ],
)
def test_signing_in_and_out_leads_nowhere_else(world: World, elsewhere: str) -> None:
    client = Client()
    fields = {"login": world.facts["login"], "password": PASSWORD, "next": elsewhere}
    ways = [client.post("/accounts/login/", fields), client.get("/accounts/login/", {"next": elsewhere})]
    ways.append(client.post("/accounts/logout/", {"next": elsewhere}))
    for answer in ways:
        assert answer.status_code == 302
        assert not urlsplit(answer["Location"]).netloc
        assert answer["Location"].startswith("/")


@pytest.mark.django_db
def test_a_name_that_is_not_the_house_s_makes_no_links(world: World) -> None:
    User.objects.filter(username=world.facts["login"]).update(email="owner@example.org")
    client = Client()
    fields = {"email": "owner@example.org"}
    assert client.post("/accounts/password/reset/", fields, HTTP_HOST="evil.example").status_code == 400
    client.post("/accounts/password/reset/", fields, HTTP_X_FORWARDED_HOST="evil.example")
    assert len(mail.outbox) == 1
    assert "evil" not in str(mail.outbox[0].body)


@pytest.mark.django_db
def test_nobody_learns_who_has_an_account(world: World) -> None:
    User.objects.filter(username=world.facts["login"]).update(email="owner@example.org")

    def told(path: str, fields: dict[str, str]) -> tuple[int, str, str]:
        answer = Client().post(path, fields)
        text = re.sub(r'(csrfmiddlewaretoken" value=")\w+', r"\1", answer.content.decode())
        return answer.status_code, answer.headers.get("Location", ""), text.replace(next(iter(fields.values())), "")

    logins, mails = (world.facts["login"], "nobody_here"), ("owner@example.org", "nobody@example.org")
    known, unknown = (told("/accounts/login/", {"login": login, "password": "wrong"}) for login in logins)
    assert known == unknown
    known, unknown = (told("/accounts/password/reset/", {"email": address}) for address in mails)
    assert known == unknown
    assert known[0] == 302


def test_paths_lead_to_no_file_that_is_not_offered(session_folder: Path) -> None:
    media = "/vods/00000000-0000-7000-8000-000000000007"
    up = ("/../..", "/%2e%2e/%2e%2e", "/..%2f..%2f", "/%2e%2e%5c..")
    tails = ("/config/settings.py", "/etc/passwd", "/secret_key")
    with serve(session_folder) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for base in ("/static", "/chat/emotes", media, f"{media}/source", "/streams/x/source", "/media", ""):
            for path in (f"{base}{way}{tail}" for way in up for tail in tails):
                connection.request("GET", path)
                answer = connection.getresponse()
                assert answer.read().find(b"SECRET_KEY") == -1
                assert answer.status in {301, 400, 404}, path
        connection.close()


def test_media_has_no_number_or_name_without_end(session_folder: Path) -> None:
    """Python reads no number of 5,000 digits, and PostgreSQL no NUL."""
    places = {"number": "9" * 5_000, "name": "%00", "uuid": "00000000-0000-7000-8000-000000000007"}
    paths = [
        re.sub(r"{\w+:(\w+)}", lambda place: places[place[1]], path.replace("{broadcast}", places["uuid"]))
        for path in sorted(PLAYBACK | RECORDINGS)
        if ":n" in path
    ]
    assert len(paths) > 10
    with serve(session_folder) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for path in paths:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 404, path[:80]
        connection.request("POST", f"/streams/{places['uuid']}/heartbeat", b"[" * 1_000)
        assert connection.getresponse().status == 400
        connection.close()


@pytest.mark.django_db
def test_what_one_rules_at_home_opens_nothing_elsewhere(world: World) -> None:
    """A streamer names things of another channel at addresses of their own."""
    viewer, facts = world.people["viewer"], world.facts
    assert viewer is not None
    own = services.create_channel(user=viewer, now=NOW)
    client = world.client("viewer")
    desk = f"/chat/{own.login}/moderation"

    def told(path: str) -> int:
        return client.post(path, {"channelId": own.login}, content_type="application/json").status_code

    assert told(f"/chat/actions/{facts['action_id']}/undo") in {404, 409, 422}
    assert client.post(f"{desk}/terms/{facts['term_id']}/remove").status_code == 302
    assert client.post(f"{desk}/emotes/{facts['emote_id']}/remove").status_code == 302
    assert ModAction.objects.get(pk=facts["action_id"]).undone_at is None
    assert BlockedTerm.objects.filter(pk=facts["term_id"]).exists()
    assert not Emote.objects.get(pk=facts["emote_id"]).removed
    with pytest.raises(UnknownMessage):
        moderation.decide_held(channel=own, by=viewer, held_id=facts["held_id"], allowed=True, now=NOW)


@pytest.mark.django_db
def test_a_session_s_key_with_nul_is_nobody_s(world: World) -> None:
    hostile = f'{django_settings.SESSION_COOKIE_NAME}="aaaaaaaa\\000"'
    assert Client(headers={"Cookie": hostile}).get("/dashboard").status_code == 400
    assert visitors.proof("", [(b"cookie", hostile.encode())]) is None


PAGES = [row for row in MATRIX if row.method == "GET" and not row.live]
BODIES = [row for row in MATRIX if (row.json or row.data) and not row.live]


@pytest.mark.django_db
@pytest.mark.parametrize("row", PAGES, ids=str)
def test_no_address_has_nul(row: Row, world: World) -> None:
    client = world.client("owner")
    assert client.get(address(row.pattern, world.facts) + "?q=%00").status_code == 400
    facts = dict.fromkeys(world.facts, "\x00")
    if address(row.pattern, facts) != address(row.pattern, world.facts):
        assert client.get(address(row.pattern, facts).replace("\0", "%00")).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("row", BODIES, ids=str)
def test_what_is_written_with_nul_breaks_nothing(row: Row, world: World) -> None:
    for name in row.data:
        assert ask(world.client("owner"), replace(row, data={**row.data, name: "\0"}), world.facts).status_code < 500
    for name, value in (row.json or {}).items():
        if isinstance(value, str):
            spoilt = replace(row, json={**(row.json or {}), name: "\0"})
            assert ask(world.client("owner"), spoilt, world.facts).status_code in {401, 422}
