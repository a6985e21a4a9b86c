"""Broadcasts as the bus would show them, made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from streaming.bus.devices import Device, DeviceKind
from streaming.bus.layout import Progress
from streaming.bus.view import Attempt, Task, View
from streaming.ladder import ladder
from streaming.media import PART_TARGET_MS, SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition
from workers.dispatcher.commands import Command, Order, Sight
from workers.dispatcher.decision import Decision, Surroundings, decide
from workers.dispatcher.standby import NO_MORE_THAN_PARTNERS, Criticality
from workers.ladder import Audience, Policy
from workers.placement import Load, Placement

NOW = 1_000_000
SEGMENT_MS = 2_000
B = "b"
ONE = Device("one", "host", "i1", 8, DeviceKind.CPU, 80_000_000)
OTHER = Device("other", "host", "i2", 8, DeviceKind.CPU, 80_000_000)
FLEET = {device.name: device for device in (ONE, OTHER)}
PARTS = SEGMENT_MS // PART_TARGET_MS


def ticks(ms: int) -> int:
    return ms * VIDEO_TIMESCALE // 1000


@dataclass
class Scene:
    """A broadcast whose source has come `media_ms` far at NOW, in segments of 2 s and parts of 0.4 s."""

    media_ms: int = 10_600
    codecs: str = "avc1.64001F"
    state: BroadcastState = BroadcastState.LIVE
    wanted: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    fleet: dict[str, Device] = field(default_factory=lambda: dict(FLEET))
    loads: dict[str, Load] = field(default_factory=dict)
    hedges: int = 1
    oldest: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    partner: bool = False
    policy: Policy = Policy.DEMAND
    critical: Criticality = NO_MORE_THAN_PARTNERS
    audience: Audience = field(default_factory=Audience)
    source_at: int | None = None
    now: int = NOW

    @property
    def msn(self) -> int:
        return self.media_ms // SEGMENT_MS

    def come(self, rendition: str, media_ms: int, at: int | None = None) -> None:
        """The rendition has come so far, `at` the time of its last part."""
        self.progress[rendition] = position(media_ms, NOW if at is None else at)

    def task(
        self,
        msn: int,
        *renditions: str,
        device: str = "one",
        ordered: int = NOW,
        claimed: int | None = None,
        failed: str = "",
        done: tuple[str, ...] = (),
        deadline: int = NOW + 20_000,
        instance: str = "",
        again: bool = False,
        crashed: bool = False,
        standby: tuple[str, ...] = (),
    ) -> str:
        """A task with one attempt, added to those there are."""
        task = self.tasks.get(msn, Task(msn))
        token = f"e:{len(task.attempts) + 1}"
        instance = instance or (FLEET[device].instance if claimed is not None and device in FLEET else "")
        attempt = Attempt(token, device, ordered, claimed, instance, failed, again, crashed, frozenset(standby))
        if standby:
            self.tasks[msn] = replace(task, second=token, attempts=task.attempts | {token: attempt})
            return token
        self.tasks[msn] = replace(
            task,
            deadlines=task.deadlines | dict.fromkeys(renditions, deadline),
            tokens=task.tokens | dict.fromkeys(renditions, token),
            attempts=task.attempts | {token: attempt},
            done=task.done | set(done),
        )
        return token

    @property
    def description(self) -> Description:
        source = Rendition(SOURCE, self.codecs, 3_000_000, VIDEO_TIMESCALE, 1280, 720, 30_000)
        return Description(
            B, self.state, 2, PART_TARGET_MS, (source, *(rung.rendition for rung in ladder(source))), self.partner
        )

    @property
    def view(self) -> View:
        source = {SOURCE: position(self.media_ms, self.now if self.source_at is None else self.source_at)}
        progress = source | self.progress
        return View(
            self.now, progress, self.running, self.wanted, self.tasks, self.oldest, self.refused, since=self.since
        )

    @property
    def sight(self) -> Sight:
        return Sight(self.description, self.view, self.audience)

    def decision(self) -> Decision:
        def may_hedge() -> bool:
            self.hedges -= 1
            return self.hedges >= 0

        placement = Placement(self.fleet)
        for broadcast, load in self.loads.items():
            placement.put(broadcast, load)
        around = Surroundings(placement, may_hedge, self.policy, self.critical)
        return decide(self.description, self.view, self.audience, around)

    def commands(self) -> list[Command]:
        return self.decision().commands


def position(media_ms: int, at: int) -> Progress:
    """The progress of a rendition whose media ends at `media_ms`, its last chunk a whole part."""
    last = max(0, media_ms - 1)
    msn, part = last // SEGMENT_MS, last % SEGMENT_MS // PART_TARGET_MS
    return Progress(msn, part, ticks(media_ms), at, msn, part)


def running(**change: object) -> Scene:
    """480p runs since long ago, is wanted, and has done all segments before the newest, MSN 5."""
    scene = Scene(wanted={"480p": NOW - 1_000}, running={"480p": 2})
    scene.come("480p", 10_000, NOW - 600)
    scene.task(4, "480p", ordered=NOW - 2_600, claimed=NOW - 2_590, done=("480p",))
    for name, value in change.items():
        setattr(scene, name, value)
    return scene


def orders(scene: Scene) -> list[Order]:
    return [command for command in scene.commands() if isinstance(command, Order)]
