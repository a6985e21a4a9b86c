"""Why ingest lets an encoder go.

IngestError
├── PublishingRefused   the streamer must do something about it: `sentence` is what the encoder is told
├── TakenOver           another encoder of the same streamer has the broadcast now
└── OutboxFull          the bus takes less than comes in; the encoder stays, but media is lost
"""

from __future__ import annotations

from enum import Enum, auto


class Why(Enum):
    """What kind of refusal it is, for protocols that have a number for each."""

    KEY = auto()
    TRIES = auto()
    """Too many wrong keys came from the address."""
    TAKEN = auto()
    """The channel has an encoder already."""
    SERVER = auto()
    """No fault of the streamer's; trying again helps."""
    MEDIA = auto()


class IngestError(Exception):
    """Base of everything this package raises."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class PublishingRefused(IngestError):
    """The encoder may not publish, or not go on publishing."""

    def __init__(self, sentence: str, why: Why = Why.MEDIA) -> None:
        super().__init__(sentence)
        self.why = why


class TakenOver(IngestError):
    """The broadcast is another connection's now, and stays live there."""

    def __init__(self) -> None:
        super().__init__("Another encoder has taken over this broadcast.")


class OutboxFull(IngestError):
    """More waits for the bus than may."""

    def __init__(self) -> None:
        super().__init__("The media bus takes less than comes in.")
