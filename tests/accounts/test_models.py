"""What a user's login may be, judged by validation and by the database."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import User
from accounts.names import RESERVED

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("login", ["abcd", "a_1_", "0" * 25, "____"])
def test_a_login_of_the_right_shape_is_accepted(login: str) -> None:
    User(username=login, password="x").full_clean()


@pytest.mark.parametrize("login", ["abc", "a" * 26, "with space", "dash-ed", "émile", "abcd\n", "", "a.bcd", "Alice"])
def test_a_login_of_the_wrong_shape_is_refused(login: str) -> None:
    with pytest.raises(ValidationError) as refused:
        User(username=login, password="x").full_clean()
    assert "username" in refused.value.message_dict


@pytest.mark.parametrize("login", sorted(name for name in RESERVED if 4 <= len(name) <= 25 and "-" not in name))
def test_a_reserved_login_is_refused(login: str) -> None:
    with pytest.raises(ValidationError, match="kept for the site"):
        User(username=login, password="x").full_clean()


def test_the_database_refuses_a_login_of_the_wrong_shape() -> None:
    with pytest.raises(IntegrityError, match="user_login_shape"):
        User.objects.bulk_create([User(username="Not OK", password="x")])


def test_the_database_refuses_a_taken_login() -> None:
    User.objects.create_user("alice")
    with pytest.raises(IntegrityError, match="unique"):
        User.objects.create_user("ALICE")


def test_a_user_is_found_by_login_in_any_case() -> None:
    user = User.objects.create_user("alice")
    assert User.objects.get_by_natural_key("aLiCe") == user


def test_public_ids_are_uuid_version_7() -> None:
    assert User.objects.create_user("alice").pk.version == 7
