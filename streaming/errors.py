"""What the streaming app's services refuse, each with a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class StreamingError(Exception):
    """Root of the tree.

    StreamingError
    +-- KeyRefused
    |   +-- UnknownKey
    |   +-- KeyRevoked
    |   +-- ChannelSuspended
    |   +-- TicketRefused
    +-- UnknownToken
    +-- NoRoom
    |   +-- Overloaded
    +-- LoginTaken
    +-- BroadcastEnded
    +-- InvalidStreamInfo
    +-- UnknownCategory
    """

    code: ClassVar[str] = "error"
    sentence: ClassVar[str] = "This did not work."

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)


class KeyRefused(StreamingError):
    """Nobody goes live with this key now."""

    code = "key_refused"


class UnknownKey(KeyRefused):
    """No channel ever had this key."""

    code = "unknown_key"
    sentence = "This stream key is not known. Copy it again from your dashboard."


class KeyRevoked(KeyRefused):
    """The key was rotated or revoked."""

    code = "key_revoked"
    sentence = "This stream key was replaced or revoked. Copy the new one from your dashboard."


class ChannelSuspended(KeyRefused):
    """The channel, or its user, may not go live."""

    code = "channel_suspended"
    sentence = "This channel is suspended and can't go live."


class TicketRefused(KeyRefused):
    """The ticket of the go-live page is too old, or none of ours."""

    code = "ticket_refused"
    sentence = "This page's permission to go live has expired. Press “Go live” again."


class UnknownToken(StreamingError):
    """No active user has this API token."""

    code = "unknown_token"
    sentence = "This API token is not known, or was revoked."


class NoRoom(StreamingError):
    """There is no room for another broadcast: the media bus is full."""

    code = "no_room"
    sentence = "This server carries as many broadcasts as it has memory for. Please try again later."


class Overloaded(NoRoom):
    """There is memory for another broadcast, but nobody to ingest or encode it."""

    code = "overloaded"
    sentence = "This server is busy with as many broadcasts as it can carry. Please try again later."


class LoginTaken(StreamingError):
    """A person has a login that the house wants for itself."""

    code = "login_taken"

    def __init__(self, login: str) -> None:
        super().__init__(f"The channel “{login}” belongs to a person here.")
        self.login = login


class BroadcastEnded(StreamingError):
    """The broadcast is over: ended is for good."""

    code = "broadcast_ended"
    sentence = "This broadcast has ended."


class InvalidStreamInfo(StreamingError):
    """Title or tags are out of bounds; `problems` says how, one sentence each."""

    code = "invalid_stream_info"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class UnknownCategory(StreamingError):
    """There is no category with this slug or name."""

    code = "unknown_category"

    def __init__(self, category: str) -> None:
        super().__init__(f"There is no category “{category}”.")
        self.category = category
