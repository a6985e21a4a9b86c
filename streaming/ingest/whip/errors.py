"""Why a WHIP request is refused: each is an HTTP answer.

WhipError                status, code, a sentence
├── BadRequest           400: not SDP, or not a fragment of it
├── KeyMissing           401: no bearer token, or one that doesn't belong to the session
├── UnknownSession       404: it has ended, or never was
├── AlreadyLive          409: another encoder has the channel
├── StaleTag             412: If-Match names another state of the session
├── TooLarge             413
├── WrongType            415
├── Unsuitable           422: SDP we can read, but not agree to
├── TagMissing           428: a trickled candidate needs If-Match
├── TooMany              429: sessions, or wrong keys, of one address
└── Unavailable          503: the server can't take a broadcast now
"""

from __future__ import annotations

from typing import ClassVar


class WhipError(Exception):
    """Base: `status` and `code` are its kind's, the sentence is for the streamer."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class BadRequest(WhipError):
    """The body can't be read."""

    status, code = 400, "bad_request"


class KeyMissing(WhipError):
    """No token, or the wrong one."""

    status, code = 401, "unauthorized"


class UnknownSession(WhipError):
    """No such session, or no longer."""

    status, code = 404, "unknown_session"

    def __init__(self) -> None:
        super().__init__("This WHIP session has ended.")


class AlreadyLive(WhipError):
    """The channel has an encoder."""

    status, code = 409, "already_live"


class StaleTag(WhipError):
    """If-Match doesn't match."""

    status, code = 412, "stale_tag"

    def __init__(self) -> None:
        super().__init__("If-Match is not the session's ETag.")


class TooLarge(WhipError):
    """The body is beyond its bound."""

    status, code = 413, "too_large"


class WrongType(WhipError):
    """Not the media type that is spoken here."""

    status, code = 415, "wrong_type"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"The body must be {wanted}.")


class Unsuitable(WhipError):
    """The offer asks for what is not done here."""

    status, code = 422, "unsuitable"


class TagMissing(WhipError):
    """RFC 9725 4.3.1: If-Match is required."""

    status, code = 428, "tag_missing"

    def __init__(self) -> None:
        super().__init__("Send the session's ETag in If-Match.")


class TooMany(WhipError):
    """One address asks for too much."""

    status, code = 429, "too_many"


class Unavailable(WhipError):
    """No broadcast can be taken now; trying again helps."""

    status, code = 503, "unavailable"
