"""Sign-up and sign-in through the pages."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from streaming.models import Channel
from tests.streaming.racing import race

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 9"


def sign_up(client: Client, login: str, **more: str) -> Any:
    fields = {"username": login, "password1": PASSWORD, "password2": PASSWORD, **more}
    return client.post("/accounts/signup/", fields)


def test_who_signs_up_is_signed_in_with_a_channel(client: Client) -> None:
    response = sign_up(client, "alice")
    assert (response.status_code, response["Location"]) == (302, "/dashboard")
    assert client.get("/dashboard").status_code == 200
    assert Channel.objects.get().login == "alice"


def test_a_login_is_kept_in_lower_case(client: Client) -> None:
    sign_up(client, "AliceB")
    assert User.objects.get().username == "aliceb"


@pytest.mark.parametrize(
    ("login", "sentence"),
    [
        ("bob", "small letters"),
        ("no spaces", "small letters"),
        ("dashboard", "kept for the site"),
        ("Admin", "kept for the site"),
        ("taken", "already exists"),
        ("TAKEN", "already exists"),
    ],
)
def test_a_login_that_does_not_fit_is_refused_in_words(client: Client, login: str, sentence: str) -> None:
    User.objects.create_user("taken")
    response = sign_up(client, login)
    assert sentence in response.content.decode()
    assert User.objects.count() == 1


def test_an_e_mail_address_is_optional_and_asks_for_no_confirmation_first(
    client: Client, mailoutbox: list[object]
) -> None:
    sign_up(client, "alice", email="alice@example.org")
    assert User.objects.get().email == "alice@example.org"
    assert client.get("/dashboard").status_code == 200
    assert len(mailoutbox) == 1


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.org"])
def test_one_signs_in_by_login_in_any_case_or_by_e_mail(client: Client, login: str) -> None:
    User.objects.create_user("alice", "alice@example.org", PASSWORD)
    client.post("/accounts/login/", {"login": login, "password": PASSWORD})
    assert client.get("/settings").status_code == 200


def test_signing_in_leads_back_to_the_page_that_asked_for_it(client: Client) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    form = client.get("/accounts/login/?next=/settings").content.decode()
    assert 'name="next" value="/settings"' in form
    response = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD, "next": "/settings"})
    assert response["Location"] == "/settings"


@pytest.mark.django_db(transaction=True)
def test_of_racing_sign_ups_for_a_login_one_has_it_and_the_others_are_told() -> None:
    statuses = race(lambda _: sign_up(Client(), "alice").status_code)
    assert set(statuses) <= {200, 302}
    assert Channel.objects.count() == User.objects.count() == 1


def test_tries_with_wrong_passwords_are_limited(client: Client) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    for _ in range(5):
        client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert client.get("/settings").status_code == 302
