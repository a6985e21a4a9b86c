"""The devices that encode, and who holds them: each is leased by one worker process, which keeps renewing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from streaming.bus.layout import DEVICES, NOW, Call, Script, nothing, small

SHORT = "short"
SHORT_MS = 3_000
LEASE_MS = 2_000
"""A device whose worker has not renewed for so long is gone."""

_RENEW = small(
    NOW
    + """
local name, lease_ms, now = ARGV[1], tonumber(ARGV[2]), now_ms()
redis.call('ZADD', KEYS[1], decimal(now + lease_ms), name)
redis.call('HSET', KEYS[2], 'renewed', decimal(now), 'host', ARGV[3], 'instance', ARGV[4], 'slots', ARGV[5],
           'kind', ARGV[6], 'capacity', ARGV[7])
redis.call('PEXPIRE', KEYS[2], lease_ms * 30)
"""
)

_DROP = Script("""
if redis.call('HGET', KEYS[2], 'instance') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[2])
return redis.call('ZREM', KEYS[1], ARGV[1])
""")

_FORGET = Script("""
redis.call('DEL', KEYS[2])
return redis.call('ZREM', KEYS[1], ARGV[1])
""")

_ALIVE = Script(
    NOW
    + """
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', decimal(now - 60000))
local found = {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], '(' .. decimal(now), '+inf', 'BYSCORE')) do
  local facts = redis.call('HMGET', 'device:' .. name, 'host', 'instance', 'slots', 'kind', 'capacity', 'renewed')
  if facts[1] then
    facts[6] = decimal(now - tonumber(facts[6] or now))
    found[#found + 1] = {name, unpack(facts)}
  end
end
return found
"""
)


class DeviceKind(StrEnum):
    """What a device is. The same rung's parameter sets differ from one kind to the other."""

    GPU = "gpu"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Device:
    """A device and its lease: `name` is unique in the fleet, `instance` the worker process that holds it.

    `slots` is how many segment tasks it takes at a time, 0 while it drains; `capacity` how many pixels a second it
    encodes, as measured. `silent_ms` is for how long its worker had not renewed when this was read.
    """

    name: str
    host: str
    instance: str
    slots: int
    kind: DeviceKind
    capacity: int
    silent_ms: int = field(default=0, compare=False)


def renew(device: Device, *, lease_ms: int = LEASE_MS) -> Call[None]:
    """Takes or keeps the device."""
    return Call(
        arguments=(
            *(device.name, lease_ms, device.host, device.instance),
            *(device.slots, device.kind.value, device.capacity),
        ),
        parse=lambda _: None,
        script=_RENEW,
        keys=(DEVICES, _facts(device.name)),
    )


def drop(device: Device) -> Call[bool]:
    """Gives the device back, unless another instance has taken it meanwhile."""
    return Call(
        arguments=(device.name, device.instance),
        parse=bool,
        script=_DROP,
        keys=(DEVICES, _facts(device.name)),
    )


def forget(name: str) -> Call[bool]:
    """Takes the device from whoever holds it: for the one who started that process and saw it die."""
    return Call(arguments=(name,), parse=bool, script=_FORGET, keys=(DEVICES, _facts(name)))


def alive() -> Call[dict[str, Device]]:
    """The devices whose lease runs, by name."""

    def parse(reply: list[Any]) -> dict[str, Device]:
        devices = {}
        for row in reply:
            name, host, instance, slots, kind, capacity, silent = (value.decode() for value in row)
            devices[name] = Device(
                name, host, instance, int(slots), DeviceKind(kind), int(capacity), silent_ms=int(silent)
            )
        return devices

    return Call(arguments=(), parse=parse, script=_ALIVE, keys=(DEVICES,))


def run_short() -> Call[None]:
    """Says that devices lack room for what is watched, for SHORT_MS from now."""
    return Call(arguments=("SET", SHORT, "1", "PX", SHORT_MS), parse=nothing)


def are_short() -> Call[bool]:
    """Whether that was said."""
    return Call(arguments=("EXISTS", SHORT), parse=bool)


def _facts(name: str) -> str:
    return f"device:{name}"
