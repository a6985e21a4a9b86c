"""The synthetic fleet: devices that come when there is no room, go when they are empty, and fail."""

from __future__ import annotations

from streaming.bus.devices import Device, DeviceKind
from workers.allotment import Allotment, Claim, allot
from workers.placement import Placement

SLOTS = 64


class Fleet:
    """Up to `most` GPUs of one capacity; without a limit, as many as are needed."""

    def __init__(self, capacity: int, most: int | None) -> None:
        self.placement = Placement()
        self.peak = 0
        self._capacity = capacity
        self._most = most
        self._made = 0
        self._on: dict[str, set[str]] = {}
        if most is not None:
            for _ in range(most):
                self._add()

    @property
    def size(self) -> int:
        """The devices there are."""
        return len(self.placement.devices)

    @property
    def names(self) -> list[str]:
        return sorted(self.placement.devices)

    def broadcasts(self, device: str) -> list[str]:
        """What is on a device."""
        return sorted(self._on.get(device, ()))

    def give(self, claim: Claim) -> Allotment:
        """Puts a broadcast where there is room, on a new device if there is none and may be one."""
        given = allot(claim, self.placement)
        if self._most is None and claim.wanted and (given.home is None or given.run != claim.wanted):
            self._add()
            given = allot(claim, self.placement)
        self._put(claim.broadcast, given)
        return given

    def take(self, broadcast: str) -> None:
        """The broadcast is over, or goes elsewhere."""
        load = self.placement.load(broadcast)
        if load is None:
            return
        self.placement.put(broadcast, None)
        on_it = self._on[load.device]
        on_it.discard(broadcast)
        if not on_it:
            del self._on[load.device]
            if self._most is None and load.device in self.placement.devices:
                self._remove(load.device)

    def fail(self, device: str) -> list[str]:
        """A device is gone, and these broadcasts with it; where the size is fixed another takes its place."""
        lost = self.broadcasts(device)
        self._remove(device)
        if self._most is not None:
            self._add()
        return lost

    def _put(self, broadcast: str, given: Allotment) -> None:
        before = self.placement.load(broadcast)
        if before is not None and (given.load is None or given.load.device != before.device):
            self.take(broadcast)
        self.placement.put(broadcast, given.load)
        if given.load is not None:
            self._on.setdefault(given.load.device, set()).add(broadcast)

    def _add(self) -> None:
        name = f"gpu{self._made}"
        self._made += 1
        device = Device(name, name, "simulated", SLOTS, DeviceKind.GPU, self._capacity)
        self.placement.fleet({**self.placement.devices, name: device})
        self.peak = max(self.peak, self.size)

    def _remove(self, device: str) -> None:
        left = dict(self.placement.devices)
        del left[device]
        self.placement.fleet(left)
