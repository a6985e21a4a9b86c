"""What can go wrong on the bus, each error carrying its facts.

BusError
+-- BusUnavailable      the Valkey can't be reached, or broke off: nobody knows whether the call was carried out
+-- BusFull             the Valkey is at its memory bound and refuses writes
+-- BusRefusal          the call reached the bus and was refused; nothing was changed
    +-- PublisherRefused    another encoder delivers media for this broadcast
    +-- StaleToken          the token is no longer the newest
    +-- BusForgot           the bus lost its memory since the token was given
    +-- BroadcastEnded      the broadcast was ended
    +-- OutOfOrder          the chunk lies before what was published already
    +-- SegmentGone         the segment is no longer on the bus
    +-- TooManyInits        the rendition has used up its init sections
    +-- AlreadyClaimed      another worker has taken this very attempt
    +-- DeadlinePassed      the segment's time is over
    +-- TooEarly            the segment before is not finished yet
"""

from __future__ import annotations


class BusError(Exception):
    """Whatever this package raises."""


class BusUnavailable(BusError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the bus can't be reached: {reason}")
        self.reason = reason


class BusFull(BusError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the bus is full: {reason}")
        self.reason = reason


class BusRefusal(BusError):
    """A call that was refused; `broadcast` says whose."""

    def __init__(self, message: str, *, broadcast: str) -> None:
        super().__init__(message)
        self.broadcast = broadcast


class PublisherRefused(BusRefusal):
    """`holder` names the ingest that has the broadcast, `quiet_ms` how long ago it last delivered media."""

    def __init__(self, *, broadcast: str, holder: str, quiet_ms: int) -> None:
        super().__init__(
            f"broadcast {broadcast} is being published through {holder}, last media {quiet_ms} ms ago",
            broadcast=broadcast,
        )
        self.holder = holder
        self.quiet_ms = quiet_ms


class StaleToken(BusRefusal):
    def __init__(self, *, broadcast: str, token: str, newest: str) -> None:
        super().__init__(f"token {token} of {broadcast} is stale, the newest is {newest}", broadcast=broadcast)
        self.token = token
        self.newest = newest


class BusForgot(BusRefusal):
    def __init__(self, *, broadcast: str, token: str) -> None:
        super().__init__(f"the bus knows nothing of {broadcast} any more (token {token})", broadcast=broadcast)
        self.token = token


class BroadcastEnded(BusRefusal):
    def __init__(self, *, broadcast: str) -> None:
        super().__init__(f"broadcast {broadcast} was ended", broadcast=broadcast)


class OutOfOrder(BusRefusal):
    """`newest` is the rendition's progress, as `layout.Progress` packs it."""

    def __init__(self, *, broadcast: str, rendition: str, newest: str) -> None:
        super().__init__(f"a chunk of {rendition} of {broadcast} lies before {newest}", broadcast=broadcast)
        self.rendition = rendition
        self.newest = newest


class SegmentGone(BusRefusal):
    """`found` is the oldest MSN a reader could still get, -1 where there is none."""

    def __init__(self, *, broadcast: str, rendition: str, msn: int, found: int) -> None:
        super().__init__(
            f"segment {msn} of {rendition} of {broadcast} is gone, the next is {found}", broadcast=broadcast
        )
        self.rendition = rendition
        self.msn = msn
        self.found = found


class InitTaken(BusRefusal):
    def __init__(self, *, broadcast: str, rendition: str, number: int) -> None:
        super().__init__(f"init section {number} of {rendition} of {broadcast} is another one", broadcast=broadcast)
        self.rendition = rendition
        self.number = number


class TooManyInits(BusRefusal):
    def __init__(self, *, broadcast: str, rendition: str, limit: int) -> None:
        super().__init__(f"{rendition} of {broadcast} has {limit} init sections already", broadcast=broadcast)
        self.rendition = rendition
        self.limit = limit


class AlreadyClaimed(BusRefusal):
    """`instance` is the worker process that has it."""

    def __init__(self, *, broadcast: str, msn: int, instance: str) -> None:
        super().__init__(f"segment {msn} of {broadcast} was taken by {instance}", broadcast=broadcast)
        self.msn = msn
        self.instance = instance


class DeadlinePassed(BusRefusal):
    def __init__(self, *, broadcast: str, msn: int, deadline_ms: int) -> None:
        super().__init__(f"the deadline {deadline_ms} of segment {msn} of {broadcast} has passed", broadcast=broadcast)
        self.msn = msn
        self.deadline_ms = deadline_ms


class TooEarly(BusRefusal):
    def __init__(self, *, broadcast: str, msn: int) -> None:
        super().__init__(f"the segment before {msn} of {broadcast} is not finished", broadcast=broadcast)
        self.msn = msn
