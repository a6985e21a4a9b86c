"""Which device a broadcast's segments go to. Pure.

Sticky, for a warm encoder waits there; else the device with the smallest share of its slots taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from streaming.bus.devices import Device


def choose(
    fleet: Mapping[str, Device], load: Mapping[str, int], *, sticky: str | None = None, avoid: Collection[str] = ()
) -> Device | None:
    """A device that takes tasks: `sticky` if it is one, else the least loaded outside `avoid`; None if there is none.

    `load` counts the broadcasts on each device. A device without slots is being drained.
    """
    open_ones = [device for device in fleet.values() if device.slots > 0 and device.name not in avoid]
    for device in open_ones:
        if device.name == sticky:
            return device
    return min(open_ones, key=lambda device: (load.get(device.name, 0) / device.slots, device.name), default=None)
