"""What playback answers when it can't answer with media.

PlaybackError               status, code, a sentence, and when to try again
+-- UnknownBroadcast        404: never heard of it, or ended long ago
+-- UnknownRendition        404
+-- NotHere                 404: the part, segment or init section is gone or never was
+-- NotYet                  503: it will come; players try again
+-- NotOffered              503: neither policy nor room lets the rendition run; later perhaps
+-- TooBusy                 503: this process watches as many broadcasts as it may
+-- BadRequest              400
+-- TooManyRequests         429
"""

from __future__ import annotations

from typing import ClassVar


class PlaybackError(Exception):
    """An answer that isn't media. `retry_after` is in seconds, None if trying again is of no use."""

    status: ClassVar[int]
    code: ClassVar[str]
    retry_after: ClassVar[int | None] = None


class UnknownBroadcast(PlaybackError):
    status = 404
    code = "unknown_broadcast"

    def __init__(self, broadcast: str) -> None:
        super().__init__(f"There is no broadcast {broadcast}.")
        self.broadcast = broadcast


class UnknownRendition(PlaybackError):
    status = 404
    code = "unknown_rendition"

    def __init__(self, broadcast: str, rendition: str) -> None:
        super().__init__(f"Broadcast {broadcast} has no rendition {rendition}.")
        self.broadcast = broadcast
        self.rendition = rendition


class NotHere(PlaybackError):
    status = 404
    code = "not_here"

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is no longer here, or never was.")
        self.what = what


class NotYet(PlaybackError):
    status = 503
    code = "not_yet"
    retry_after = 1

    def __init__(self, what: str, waited: float) -> None:
        super().__init__(f"The {what} did not come within {waited:g} s.")
        self.what = what
        self.waited = waited


class NotOffered(PlaybackError):
    status = 503
    code = "not_offered"
    retry_after = 5

    def __init__(self, rendition: str) -> None:
        super().__init__(f"{rendition} is not offered at the moment; the source always is.")
        self.rendition = rendition


class TooBusy(PlaybackError):
    status = 503
    code = "too_busy"
    retry_after = 5

    def __init__(self, limit: int) -> None:
        super().__init__(f"This server plays {limit} broadcasts already.")
        self.limit = limit


class BadRequest(PlaybackError):
    status = 400
    code = "bad_request"


class TooManyRequests(PlaybackError):
    status = 429
    code = "too_many_requests"
    retry_after = 10
