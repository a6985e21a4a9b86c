"""Who may do what to whom, what is written down, and what is undone."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from accounts.models import User
from accounts.ratelimit import RateLimited
from chat import live, people
from chat.bus import log, posting
from chat.bus.layout import MESSAGE
from chat.commands import Command
from chat.errors import (
    AlreadySo,
    Away,
    BadArguments,
    EmoteRefused,
    NotBroadcaster,
    NothingToUndo,
    NotModerator,
    TargetProtected,
    UnknownMessage,
    UnknownRoom,
    UnknownUser,
)
from chat.events import Author, Said
from chat.models import Ban, Follow, HeldMessage, ModAction, Moderator
from chat.orders import Order, carry_out
from chat.services import emotes, moderation, roles, settings
from chat.standing import FOR_GOOD, NEVER, Rank, Standing
from streaming import on_air
from streaming.models import Channel
from tests.chat.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("state_server")]


@pytest.fixture
def mod(channel: Channel, alice: User, carol: User) -> User:
    roles.set_moderator(channel=channel, by=alice, target=carol, granted=True, now=NOW)
    return carol


def standing(channel: Channel, user: User) -> Standing:
    return people.load_standing(str(channel.pk), str(user.pk))


def order(channel: Channel, by: User, text: str) -> str:
    name, _, rest = text.partition(" ")
    return carry_out(Order(channel=channel, by=by, command=Command(name, rest), now=timezone.now())).code


def test_ranks(channel: Channel, alice: User, bobby: User, mod: User) -> None:
    assert standing(channel, alice).rank is Rank.BROADCASTER
    assert standing(channel, mod).rank is Rank.MODERATOR
    assert standing(channel, bobby).rank is Rank.VIEWER


def test_a_timeout_is_a_ban_with_an_end(channel: Channel, bobby: User, mod: User) -> None:
    moderation.ban(channel=channel, by=mod, target=bobby, now=NOW, seconds=60, reason="rude")
    assert standing(channel, bobby).banned_until == people.unix_ms(NOW + timedelta(seconds=60))
    [action] = ModAction.objects.filter(kind="timeout")
    assert (action.by, action.target, action.facts) == (mod, bobby, {"seconds": 60, "reason": "rude"})


@pytest.mark.parametrize("seconds", [0, -1, 1_209_601])
def test_a_timeout_is_1_s_to_14_days(channel: Channel, bobby: User, mod: User, seconds: int) -> None:
    with pytest.raises(BadArguments):
        moderation.ban(channel=channel, by=mod, target=bobby, now=NOW, seconds=seconds)
    moderation.ban(channel=channel, by=mod, target=bobby, now=NOW, seconds=1_209_600)


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [("", 600, ""), ("rude, again", 600, "rude, again"), ("60", 60, ""), ("1d 10 times rude", 86_400, "10 times rude")],
)
def test_a_timeout_is_typed_as_on_twitch(
    channel: Channel, bobby: User, mod: User, text: str, seconds: int, reason: str
) -> None:
    order(channel, mod, f"timeout bobby {text}")
    assert ModAction.objects.get(kind="timeout").facts == {"seconds": seconds, "reason": reason}


def test_nobody_bans_those_above_them_or_beside_them(
    channel: Channel, alice: User, bobby: User, mod: User, make_user: Callable[[str], User]
) -> None:
    other = make_user("other_mod")
    roles.set_moderator(channel=channel, by=alice, target=other, granted=True, now=NOW)
    for target in (alice, other, mod):
        with pytest.raises(TargetProtected):
            moderation.ban(channel=channel, by=mod, target=target, now=NOW)
    with pytest.raises(NotModerator):
        moderation.ban(channel=channel, by=bobby, target=other, now=NOW)
    moderation.ban(channel=channel, by=alice, target=other, now=NOW)


def test_an_undone_ban_is_gone_and_an_undone_unban_is_back(channel: Channel, bobby: User, mod: User) -> None:
    action = moderation.ban(channel=channel, by=mod, target=bobby, now=NOW)
    assert standing(channel, bobby).banned_until == FOR_GOOD
    moderation.undo(channel=channel, by=mod, action_id=str(action.pk), now=NOW)
    assert standing(channel, bobby).banned_until == NEVER
    with pytest.raises(NothingToUndo):
        moderation.undo(channel=channel, by=mod, action_id=str(action.pk), now=NOW)
    moderation.ban(channel=channel, by=mod, target=bobby, now=NOW, reason="again")
    lifted = moderation.unban(channel=channel, by=mod, target=bobby, now=NOW)
    moderation.undo(channel=channel, by=mod, action_id=str(lifted.pk), now=NOW)
    assert Ban.objects.get(channel=channel, user=bobby).reason == "again"


def test_undoing_what_can_not_be_undone_changes_nothing(channel: Channel, mod: User) -> None:
    action = moderation.clear(channel=channel, by=mod, now=NOW)
    with pytest.raises(NothingToUndo):
        moderation.undo(channel=channel, by=mod, action_id=str(action.pk), now=NOW)
    action.refresh_from_db()
    assert action.undone_at is None


def test_modes_are_changed_told_and_restored(
    channel: Channel, mod: User, bobby: User, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        action = settings.set_modes(channel=channel, by=mod, now=NOW, slow_seconds=30, emote_only=True)
    facts = people.load_facts(str(channel.pk))
    assert (facts.slow_seconds, facts.emote_only, facts.revision) == (30, True, 1)
    with pytest.raises(AlreadySo):
        settings.set_modes(channel=channel, by=mod, now=NOW, slow_seconds=30)
    with pytest.raises(NotModerator):
        settings.set_modes(channel=channel, by=bobby, now=NOW, slow_seconds=0)
    moderation.undo(channel=channel, by=mod, action_id=str(action.pk), now=NOW)
    facts = people.load_facts(str(channel.pk))
    assert (facts.slow_seconds, facts.emote_only, facts.revision) == (0, False, 2)


@pytest.mark.parametrize("modes", [{"slow_seconds": 2}, {"slow_seconds": 121}, {"followers_minutes": 129_601}])
def test_modes_have_ranges(channel: Channel, alice: User, modes: dict[str, int]) -> None:
    with pytest.raises(BadArguments):
        settings.set_modes(channel=channel, by=alice, now=NOW, **modes)


def said(channel: Channel, user: User, text: str) -> str:
    """Puts a message into the room's log; its id."""
    from chat.bus import posting
    from chat.bus.layout import MESSAGE
    from streaming import on_air

    body = Said(Author(str(user.pk), user.username, "#000000"), text).body()
    return on_air.state().run(posting.append(str(channel.pk), body=body, epoch="1" * 15, kind=MESSAGE))[0]


def test_deleting_ones_own_and_others_messages(channel: Channel, alice: User, bobby: User, mod: User) -> None:
    mine, other = said(channel, bobby, "mine"), said(channel, mod, "other")
    assert moderation.delete_message(channel=channel, by=bobby, message_id=mine, now=NOW) is None
    with pytest.raises(NotModerator):
        moderation.delete_message(channel=channel, by=bobby, message_id=other, now=NOW)
    action = moderation.delete_message(channel=channel, by=alice, message_id=other, now=NOW)
    assert action is not None
    assert action.facts["text"] == "other"
    with pytest.raises(TargetProtected):
        moderation.delete_message(channel=channel, by=mod, message_id=said(channel, alice, "hers"), now=NOW)
    with pytest.raises(UnknownMessage):
        moderation.delete_message(channel=channel, by=mod, message_id="no id", now=NOW)


def test_a_pinned_message_is_in_the_facts(channel: Channel, bobby: User, mod: User) -> None:
    settings.pin(channel=channel, by=mod, message_id=said(channel, bobby, "read this"), now=NOW)
    pinned = people.load_facts(str(channel.pk)).pinned
    assert pinned is not None
    assert (pinned["login"], pinned["text"]) == ("bobby", "read this")
    settings.pin(channel=channel, by=mod, message_id="", now=NOW)
    assert people.load_facts(str(channel.pk)).pinned is None


def test_a_held_message_is_decided_once(channel: Channel, bobby: User, mod: User) -> None:
    held = moderation.hold(channel=channel, user=bobby, text="spam?", reason="looks so", now=NOW)
    moderation.decide_held(channel=channel, by=mod, held_id=str(held.pk), allowed=False, now=NOW)
    with pytest.raises(UnknownMessage):
        moderation.decide_held(channel=channel, by=mod, held_id=str(held.pk), allowed=True, now=NOW)
    assert HeldMessage.objects.get().allowed is False


def test_following(channel: Channel, alice: User, bobby: User) -> None:
    assert roles.follow(channel=channel, user=bobby, now=NOW)
    assert not roles.follow(channel=channel, user=bobby, now=NOW)
    assert standing(channel, bobby).followed_at == people.unix_ms(NOW)
    with pytest.raises(TargetProtected):
        roles.follow(channel=channel, user=alice, now=NOW)
    assert roles.unfollow(channel=channel, user=bobby)
    assert not Follow.objects.exists()


def test_a_granted_subscription_shows_until_it_ends(channel: Channel, bobby: User) -> None:
    until = NOW + timedelta(days=30)
    roles.grant_subscription(channel=channel, user=bobby, by=None, now=NOW, until=until)
    who = standing(channel, bobby)
    assert who.badges(people.unix_ms(until) - 1) == ["subscriber"]
    assert who.badges(people.unix_ms(until)) == []


def test_roles_are_the_broadcasters_to_give(channel: Channel, alice: User, bobby: User, mod: User) -> None:
    with pytest.raises(NotBroadcaster):
        roles.set_vip(channel=channel, by=mod, target=bobby, granted=True, now=NOW)
    roles.set_vip(channel=channel, by=alice, target=bobby, granted=True, now=NOW)
    assert standing(channel, bobby).vip
    with pytest.raises(AlreadySo):
        roles.set_vip(channel=channel, by=alice, target=bobby, granted=True, now=NOW)
    roles.set_moderator(channel=channel, by=alice, target=bobby, granted=True, now=NOW)
    assert not standing(channel, bobby).vip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("timeout bobby", "timeout_success"),
        ("timeout @bobby 10 be nice", "timeout_success"),
        ("ban bobby", "ban_success"),
        ("slow", "slow_on"),
        ("slow 3", "slow_on"),
        ("followers 10", "followers_on"),
        ("followers 90d", "followers_on"),
        ("subscribers", "subs_on"),
        ("emoteonly", "emote_only_on"),
        ("uniquechat", "r9k_on"),
        ("clear", "clear_success"),
        ("mods", "room_mods"),
        ("vips", "no_vips"),
        ("color coral", "color_changed"),
        ("block bobby", "block_success"),
        ("help", "cmds_available"),
        ("help ban", "cmds_help"),
        ("announce hello", "announced"),
        ("raid bobby", "raid_success"),
    ],
)
def test_a_moderators_commands(channel: Channel, bobby: User, mod: User, text: str, code: str) -> None:
    assert order(channel, mod, text) == code


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("ban", BadArguments),
        ("ban nobody_here", UnknownUser),
        ("timeout bobby 0", BadArguments),
        ("slow 2", BadArguments),
        ("slow x", BadArguments),
        ("followers 91d", BadArguments),
        ("timeout bobby 3w", BadArguments),
        ("color puce", BadArguments),
        ("mod bobby", NotBroadcaster),
        ("unban bobby", AlreadySo),
        ("unpin", AlreadySo),
        ("w bobby psst", Away),
        ("w carol psst", TargetProtected),
    ],
)
def test_commands_that_are_refused(
    channel: Channel, bobby: User, mod: User, text: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        order(channel, mod, text)


@pytest.mark.parametrize("text", ["ban carol", "slow", "clear", "announce x", "pin x", "raid carol", "mod carol"])
def test_viewers_command_nothing(channel: Channel, bobby: User, carol: User, text: str) -> None:
    with pytest.raises((NotModerator, NotBroadcaster)):
        order(channel, bobby, text)
    assert not ModAction.objects.exists()
    assert not Moderator.objects.exists()


def png(side: int = 200) -> bytes:
    data = io.BytesIO()
    Image.new("RGBA", (side, side // 2), (255, 0, 0, 128)).save(data, "PNG")
    return data.getvalue()


def test_an_emote_is_encoded_anew(channel: Channel, alice: User, settings: object, tmp_path: object) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    emote = emotes.add_emote(channel=channel, by=alice, name="aliceHi", data=png() + b"<script>", now=NOW)
    with emote.picture.open() as file:
        kept = file.read()
    assert b"script" not in kept
    with Image.open(io.BytesIO(kept)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (112, 56))
    assert people.load_facts(str(channel.pk)).emotes == {"aliceHi": str(emote.pk)}
    with pytest.raises(EmoteRefused):
        emotes.add_emote(channel=channel, by=alice, name="aliceHi", data=png(), now=NOW)
    assert emotes.remove_emote(channel=channel, by=alice, emote_id=emote.pk)
    assert people.load_facts(str(channel.pk)).emotes == {}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("aliceHi", b"<svg onload=alert(1)>"),
        ("aliceHi", png()[:100]),
        ("aliceHi", png(2_100)),
        ("aliceHi", b"\0" * 600_000),
        ("aliceHi", png(20)),
        ("Alice", png()),
        ("alice", png()),
        ("hrWave", png()),
    ],
)
def test_what_is_no_emote(channel: Channel, alice: User, name: str, data: bytes) -> None:
    with pytest.raises(EmoteRefused):
        emotes.add_emote(channel=channel, by=alice, name=name, data=data, now=NOW)


def test_the_room_hears_of_a_ban_and_a_clear(
    channel: Channel, bobby: User, mod: User, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        moderation.ban(channel=channel, by=mod, target=bobby, now=NOW, seconds=5)
        moderation.clear(channel=channel, by=mod, now=NOW)
    tail = on_air.state().run(log.tail(str(channel.pk), count=10, epoch="1" * 15))
    records = [json.loads(record.text) for record in tail.records]
    assert [(record["type"], record["login"], record["seconds"]) for record in records] == [
        ("clear", "bobby", 5),
        ("clear", None, None),
    ]
    assert live.find_record(channel.pk, records[0]["id"]) is not None


@pytest.mark.parametrize("taken_away_by", ["mod", "author", "timeout"])
def test_what_is_taken_away_is_pinned_no_more(channel: Channel, bobby: User, mod: User, taken_away_by: str) -> None:
    said = [said_by(channel, bobby, text) for text in ("first", "second")]
    settings.pin(channel=channel, by=mod, message_id=said[1].upper(), now=NOW)
    moderation.delete_message(channel=channel, by=mod, message_id=said[0], now=NOW)
    assert people.load_facts(str(channel.pk)).pinned == {"id": said[1], "login": "bobby", "text": "second"}
    if taken_away_by == "timeout":
        moderation.ban(channel=channel, by=mod, target=bobby, now=NOW, seconds=5)
    else:
        by = mod if taken_away_by == "mod" else bobby
        moderation.delete_message(channel=channel, by=by, message_id=said[1].upper(), now=NOW)
    assert people.load_facts(str(channel.pk)).pinned is None


def said_by(channel: Channel, user: User, text: str) -> str:
    """The id of a message in the channel's log."""
    body = Said(Author(str(user.pk), user.username, "#000000"), text).body()
    return on_air.state().run(posting.append(str(channel.pk), body=body, epoch="1" * 15, kind=MESSAGE))[0]


def test_a_suspended_channel_has_no_room(channel: Channel) -> None:
    assert people.load_facts(str(channel.pk)).login == channel.login
    Channel.objects.filter(pk=channel.pk).update(suspended=True)
    with pytest.raises(UnknownRoom):
        people.load_facts(str(channel.pk))


def test_nobody_raids_where_they_are_banned_or_without_end(channel: Channel, alice: User, bobby: User) -> None:
    bobs: Channel = bobby.channel  # made with him
    moderation.ban(channel=bobs, by=bobby, target=alice, now=NOW)
    with pytest.raises(TargetProtected):
        settings.raid(channel=channel, by=alice, target=bobs, viewers=5, now=NOW)
    moderation.unban(channel=bobs, by=bobby, target=alice, now=NOW)
    for _ in range(10):
        settings.raid(channel=channel, by=alice, target=bobs, viewers=5, now=NOW)
    with pytest.raises(RateLimited):
        settings.raid(channel=channel, by=alice, target=bobs, viewers=5, now=NOW)
