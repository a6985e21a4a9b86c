"""What the dispatcher's machine takes in and gives out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from streaming.bus.view import View
from streaming.media import Description
from workers.dispatcher.judgement import Loss
from workers.ladder import UNWATCHED, Audience


@dataclass(frozen=True, slots=True)
class Sight:
    """A broadcast as it was seen on the bus at `view.now_ms`; None: the bus knows nothing of it (any more).

    Its audience was counted some seconds ago.
    """

    description: Description | None
    view: View
    audience: Audience = UNWATCHED


@dataclass(frozen=True, slots=True)
class Look:
    """See how a broadcast does, and tell the machine."""

    broadcast: str


@dataclass(frozen=True, slots=True)
class Order:
    """Order an attempt at a segment on a device, if each rendition's newest token is still the expected one.

    `why` is for the log: "opened", or what befell the attempt before.
    """

    broadcast: str
    msn: int
    expected: Mapping[str, str]
    device: str
    late_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class StandBy:
    """Order a standby for a segment on a device, for these renditions, if it has none."""

    broadcast: str
    msn: int
    renditions: tuple[str, ...]
    device: str


@dataclass(frozen=True, slots=True)
class Promote:
    """Let a segment's standby, which has `token`, take over the renditions whose newest token is the expected one."""

    broadcast: str
    msn: int
    token: str
    expected: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """Bring the deadline of a segment's rendition forward to `late_ms` from now."""

    broadcast: str
    msn: int
    rendition: str
    late_ms: int


@dataclass(frozen=True, slots=True)
class FillGap:
    """Publish what is missing of a segment's rendition as GAP, if its newest token is still the expected one.

    While the segment is not `closed`, that is each part which the source has brought whole. `why` is for those who
    want to know.
    """

    broadcast: str
    msn: int
    rendition: str
    expected: str
    closed: bool
    why: Loss


@dataclass(frozen=True, slots=True)
class Start:
    """Run a rendition from segment `msn` on."""

    broadcast: str
    rendition: str
    msn: int


@dataclass(frozen=True, slots=True)
class StartLater:
    """Run a rendition from segment `msn` on, which was to run from `than` on and published nothing."""

    broadcast: str
    rendition: str
    than: int
    msn: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Let a rendition rest, if nobody asked for it since `last_wanted_ms`."""

    broadcast: str
    rendition: str
    last_wanted_ms: int | None


@dataclass(frozen=True, slots=True)
class Shed:
    """Let a rendition rest though it is wanted: no device has room for it."""

    broadcast: str
    rendition: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell those who wait for an idle rendition that it won't run."""

    broadcast: str
    rendition: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Have a thumbnail made."""

    broadcast: str


Command: TypeAlias = (
    Order | StandBy | Promote | Deadline | FillGap | Start | StartLater | Stop | Shed | Refuse | Picture
)
