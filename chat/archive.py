"""What was said in a room between two times: what a recording keeps of its chat."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chat import events
from chat.bus import log
from chat.bus.epoch import fresh_epoch
from chat.bus.log import Record
from chat.errors import ChatUnavailable
from streaming import on_air
from streaming.bus.errors import BusError

_TS = re.compile(r'\{"offset":\d+,"ts":(\d+),')
_KINDS = ('"type":"message"', '"type":"delete"', '"type":"clear"')


@dataclass(frozen=True, slots=True)
class Line:
    """A record of the room's wire (docs/chat.md): `message`, `delete` or `clear`. `ts` in Unix ms, `text` its JSON."""

    ts: int
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """Lines in the order in which they were said. `complete` is false when the log no longer had the beginning."""

    lines: tuple[Line, ...]
    complete: bool


def transcript(room: str, *, from_ms: int, until_ms: int) -> Transcript:
    """What was said in a room from a time on and before another, less what was deleted up to now.

    A log has the last 20,000 records of a day, which a room at its busiest fills in 200 s: whoever records a broadcast
    asks while it goes on, for a minute or so at a time. What is deleted later comes as a `delete` or `clear` of that
    later time. A busy room's sample is what its viewers saw; what it did not show is not here.

    Args:
        room: the channel's id. from_ms, until_ms: Unix ms, as Valkey's clock has them.

    Raises ChatUnavailable; ask again later.
    """
    try:
        oldest = on_air.state().run(log.first(room, 0))
        if oldest is None:
            return Transcript((), complete=True)
        records = _read(room, _find(room, oldest, from_ms))
    except BusError as error:
        raise ChatUnavailable from error
    inside = [record for record in records if from_ms <= _ts(record) < until_ms]
    later = [record.text for record in records if _ts(record) >= until_ms and _KINDS[0] not in record.text]
    kept = events.without_deleted([*(record.text for record in inside), *later])
    lines = [Line(int(match[1]), text) for text in kept if (match := _TS.match(text))]
    return Transcript(
        lines=tuple(line for line in lines if line.ts < until_ms and any(kind in line.text for kind in _KINDS)),
        complete=_ts(oldest) <= from_ms or oldest.offset - 1 - oldest.left_out <= 0,
    )


def _find(room: str, oldest: Record, from_ms: int) -> int:
    """The offset before the first record of a time or later: times rise with offsets, so by halving."""
    low, high = oldest.offset, on_air.state().run(log.newest_offset(room)) + 1
    while low < high:
        middle = (low + high) // 2
        found = on_air.state().run(log.first(room, middle))
        if found is not None and _ts(found) < from_ms:
            low = found.offset + 1
        else:
            high = middle
    return low - 1


def _read(room: str, offset: int) -> list[Record]:
    """All records after an offset. A log's bound is theirs."""
    records: list[Record] = []
    while True:
        tail = on_air.state().run(log.after(room, offset, epoch=fresh_epoch()))
        records += tail.records
        if len(tail.records) < log.MOST:
            return records
        offset = records[-1].offset


def _ts(record: Record) -> int:
    match = _TS.match(record.text)
    return int(match[1]) if match else 0
