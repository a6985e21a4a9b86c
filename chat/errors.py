"""What chat refuses, each with a code for programs and a sentence for people.

ChatError
+-- MessageRefused          a message was not taken; its author may mend it, or wait
|   +-- EmptyMessage
|   +-- MessageTooLong
|   +-- Wait                it may be said in a while
|   |   +-- TooFast         the limit of messages in a time
|   |   +-- SlowMode        the room's pause between two messages of one person
|   |   +-- Repeated        the same words again too soon
|   |   +-- TimedOut
|   +-- NotUnique           somebody said this already, in unique chat
|   +-- EmotesOnly
|   +-- SubscribersOnly
|   +-- FollowersOnly
|   +-- TermBlocked
|   +-- LinkBlocked
|   +-- Held                a moderator looks at it first
|   +-- Banned
+-- NotPermitted            the command is for others
|   +-- SignInNeeded
|   +-- NotModerator
|   +-- NotBroadcaster
+-- CommandRefused          the command makes no sense here
|   +-- UnknownCommand
|   +-- BadArguments
|   +-- UnknownUser
|   +-- UnknownMessage
|   +-- NothingToUndo
|   +-- TargetProtected
|   +-- AlreadySo
|   +-- Away                whom it concerns is in no room
+-- EmoteRefused
+-- UnknownRoom
+-- ChatUnavailable         the state Valkey is away
"""

from __future__ import annotations

from typing import ClassVar


class ChatError(Exception):
    """Whatever chat raises."""

    code: ClassVar[str] = "error"
    sentence: ClassVar[str] = "This did not work."

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)


class MessageRefused(ChatError):
    """A message was not taken."""

    code = "refused"


class EmptyMessage(MessageRefused):
    code = "empty"
    sentence = "Write something first."


class MessageTooLong(MessageRefused):
    code = "too_long"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A message has at most {limit} characters.")
        self.limit = limit


class Wait(MessageRefused):
    """A refusal that ends by itself, `retry_ms` from now."""

    def __init__(self, sentence: str, *, retry_ms: int) -> None:
        super().__init__(sentence)
        self.retry_ms = retry_ms


class TooFast(Wait):
    code = "too_fast"

    def __init__(self, *, retry_ms: int) -> None:
        super().__init__(f"You are sending messages too quickly. Try again in {_seconds(retry_ms)}.", retry_ms=retry_ms)


class SlowMode(Wait):
    code = "slow_mode"

    def __init__(self, *, retry_ms: int) -> None:
        super().__init__(f"This room is in slow mode. You may talk again in {_seconds(retry_ms)}.", retry_ms=retry_ms)


class Repeated(Wait):
    code = "repeated"

    def __init__(self, *, retry_ms: int) -> None:
        super().__init__("You have just said that. Say something else, or wait a little.", retry_ms=retry_ms)


class NotUnique(MessageRefused):
    code = "not_unique"
    sentence = "This room is in unique mode, and your message has been said already."


class EmotesOnly(MessageRefused):
    code = "emotes_only"
    sentence = "This room is in emote-only mode."


class SubscribersOnly(MessageRefused):
    code = "subscribers_only"
    sentence = "This room is for subscribers only at the moment."


class FollowersOnly(MessageRefused):
    """`minutes` is how long one must have followed."""

    code = "followers_only"

    def __init__(self, *, minutes: int) -> None:
        super().__init__(
            f"This room is for people who have followed for {minutes} minutes."
            if minutes
            else "This room is for followers only. Follow the channel to talk."
        )
        self.minutes = minutes


class TermBlocked(MessageRefused):
    code = "term_blocked"
    sentence = "Your message has a word that this room does not allow."


class LinkBlocked(MessageRefused):
    code = "link_blocked"
    sentence = "This room does not allow links."


class Held(MessageRefused):
    code = "held"
    sentence = "A moderator will look at your message before it is shown."


class TimedOut(Wait):
    code = "timed_out"

    def __init__(self, *, retry_ms: int) -> None:
        super().__init__(f"You are timed out for {_seconds(retry_ms)} more.", retry_ms=retry_ms)


class Banned(MessageRefused):
    code = "banned"
    sentence = "You are banned from talking in this room."


class NotPermitted(ChatError):
    """The command is for others."""

    code = "not_permitted"


class SignInNeeded(NotPermitted):
    code = "sign_in"
    sentence = "Sign in to talk."


class NotModerator(NotPermitted):
    code = "not_moderator"
    sentence = "Only moderators of this room can do that."


class NotBroadcaster(NotPermitted):
    code = "not_broadcaster"
    sentence = "Only the broadcaster can do that."


class CommandRefused(ChatError):
    """The command makes no sense here."""

    code = "command_refused"


class UnknownCommand(CommandRefused):
    code = "unknown_command"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no command /{name}. /help lists those there are.")
        self.name = name


class BadArguments(CommandRefused):
    code = "bad_arguments"

    def __init__(self, usage: str) -> None:
        super().__init__(f"Use it so: {usage}")
        self.usage = usage


class UnknownUser(CommandRefused):
    code = "unknown_user"

    def __init__(self, login: str) -> None:
        super().__init__(f"There is nobody called {login}.")
        self.login = login


class UnknownMessage(CommandRefused):
    code = "unknown_message"
    sentence = "This message is not to be found any more."


class NothingToUndo(CommandRefused):
    code = "nothing_to_undo"
    sentence = "This was undone already, or can't be."


class TargetProtected(CommandRefused):
    code = "target_protected"

    def __init__(self, login: str) -> None:
        super().__init__(f"You can't do that to {login}.")
        self.login = login


class AlreadySo(CommandRefused):
    code = "already_so"


class Away(CommandRefused):
    code = "away"

    def __init__(self, login: str) -> None:
        super().__init__(f"{login} is in no chat at the moment.")
        self.login = login


class EmoteRefused(ChatError):
    code = "emote_refused"


class UnknownRoom(ChatError):
    code = "unknown_room"
    sentence = "There is no such channel."


class ChatUnavailable(ChatError):
    code = "unavailable"
    sentence = "Chat can't be reached at the moment. Try again soon."


def _seconds(ms: int) -> str:
    seconds = max(1, -(-ms // 1000))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
