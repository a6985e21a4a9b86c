"""Who opens a socket."""

from __future__ import annotations

import pytest
from django.conf import settings

from accounts.models import User
from chat.services import roles
from chat.standing import Rank
from chat.visitors import Proof, Visitor, look_up, proof
from streaming.models import Channel
from tests.chat.conftest import cookie_of, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("state_server")]


def cookie(channel: Channel, user: User) -> Proof:
    found = proof(str(channel.pk), [(b"cookie", f"a=b; {cookie_of(user)}; c=d".encode())])
    assert found is not None
    return found


def of(found: dict[Proof, Visitor], one: Proof) -> str | None:
    return found[one].standing.login if one in found else None


def test_many_are_known_in_a_few_queries(
    channel: Channel, alice: User, bobby: User, carol: User, django_assert_max_num_queries: object
) -> None:
    roles.block(user=bobby, target=carol)
    proofs = [cookie(channel, alice), cookie(channel, bobby), Proof(str(channel.pk), token=token_of(carol))]
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        found = look_up([*proofs, Proof(str(channel.pk), session="nobody"), Proof(str(channel.pk), token="nothing")])
    assert [of(found, one) for one in proofs] == [alice.username, "bobby", "carol"]
    assert found[proofs[0]].standing.rank is Rank.BROADCASTER
    assert found[proofs[1]].blocked == [str(carol.pk)]
    assert len(found) == 3


def test_a_change_of_password_ends_what_a_session_proves(channel: Channel, bobby: User) -> None:
    before = cookie(channel, bobby)
    bobby.set_password("another one 2")
    bobby.save()
    assert look_up([before]) == {}


def test_one_who_is_no_longer_active_is_nobody(channel: Channel, bobby: User) -> None:
    proofs = [cookie(channel, bobby), Proof(str(channel.pk), token=token_of(bobby))]
    bobby.is_active = False
    bobby.save()
    assert look_up(proofs) == {}


def test_a_secret_that_was_rotated_still_proves(channel: Channel, bobby: User, settings: object) -> None:
    before = cookie(channel, bobby)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another secret"  # type: ignore[attr-defined]
    assert of(look_up([before]), before) == "bobby"


def test_headers_without_a_proof() -> None:
    assert proof("r", [(b"cookie", b"a=b"), (b"authorization", b"Basic xyz")]) is None
    assert proof("r", [(b"cookie", f"{settings.SESSION_COOKIE_NAME}=s".encode())]) == Proof("r", session="s")
