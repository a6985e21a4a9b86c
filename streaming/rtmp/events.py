"""What a connection tells its owner. Media comes as `flv.tag.Tag`, whose timestamp is unwrapped to 64 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from streaming.flv.amf0 import Value
from streaming.flv.tag import Tag


@dataclass(frozen=True, slots=True)
class Connected:
    """The client named its application; it was accepted. `client` is how it calls itself."""

    app: str
    client: str


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """The client wants to publish: answer with `accept_publish` or `refuse_publish` before taking later events."""

    key: str

    def __repr__(self) -> str:
        # a stream key never reaches a log
        return "PublishRequested(key=...)"


@dataclass(frozen=True, slots=True)
class Metadata:
    """onMetaData: what the encoder says about its media."""

    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Unpublished:
    """The client stopped publishing and keeps its connection."""


Event: TypeAlias = Connected | PublishRequested | Metadata | Tag | Unpublished
