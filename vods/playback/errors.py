"""What is answered instead of a VOD's media: each a `PlaybackError`, status and code."""

from __future__ import annotations

from streaming.playback.errors import PlaybackError


class UnknownVideo(PlaybackError):
    """No such VOD or clip, or it was deleted, or it does not play yet."""

    status = 404
    code = "unknown_video"

    def __init__(self) -> None:
        super().__init__("There is no such video.")


class InColdStorage(PlaybackError):
    """It was put away, since nobody watched it; whoever is signed in has it brought back on its page."""

    status = 503
    code = "cold_storage"
    retry_after = 600

    def __init__(self, wait: str) -> None:
        super().__init__(
            f"This video is in cold storage. It takes {wait} to bring it back; its page does so for who asks there."
        )


class NeedsToken(PlaybackError):
    """It is not for everybody: its page and `GET /vods/<id>` give addresses to those who may watch."""

    status = 403
    code = "needs_token"

    def __init__(self) -> None:
        super().__init__("This video is not for everybody. Its address has no token, or one that has expired.")


class DatabaseAway(PlaybackError):
    """PostgreSQL can't be reached, or was cut off meanwhile."""

    status = 503
    code = "database_unavailable"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("The database can't be reached.")
