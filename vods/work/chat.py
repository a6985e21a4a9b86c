"""The steps that keep a broadcast's chat beside its VOD, to be replayed in step with it.

The room's log forgets, a busy room's within minutes: so what is said is put away while the broadcast goes on, a span of
segments at a time, and made into one file when it has ended. What was deleted by then is not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

import structlog
from django.db import transaction

from chat import archive as room_archive
from chat import events
from vods.library import leading_rendition, timeline_of
from vods.models import AssetKind, Vod
from vods.recording import RUN
from vods.segments import StoredSegment
from vods.steps import Hopeless, Job, Lane, Outcome, StepSpec
from vods.storage import MediaStorage, media
from vods.timeline import Timeline
from vods.work.movies import work_file
from vods.work.product import Product, Pulse, enter_products, ready_vod

log = structlog.get_logger(__name__)

SPAN = 3 * RUN
"""Segments of a span: a minute or so."""
WINDOW_MS = 30_000
"""The file's index tells where the messages of each window begin."""
_MESSAGE = '"type":"message"'


def chat_step(first: int) -> StepSpec:
    """Puts away what is said in the span of segments from `first` on, once they are archived."""
    return StepSpec(
        name=f"chat {first}",
        work="record-chat",
        arguments={"first": first},
        needs=tuple(f"archive {run}" for run in range(first, first + SPAN, RUN)),
        lane=Lane.PROMPT,
    )


def record_chat(job: Job) -> Outcome:
    """Puts away what was said while the segments of a span were live."""
    vod = Vod.objects.existing().select_related("channel").filter(pk=job.subject).first()
    lead = leading_rendition(vod) if vod is not None else None
    if vod is None or lead is None:
        return Outcome()
    _put_away(media(), vod, timeline_of(lead), job.arguments["first"])
    return Outcome()


def make_chat(job: Job) -> Outcome:
    """One file of all that was said, less what was deleted, with the position in the VOD at which each was said."""
    vod = ready_vod(job.subject)
    lead = leading_rendition(vod)
    if lead is None:
        raise Hopeless("There is no media in this VOD.")
    timeline, storage = timeline_of(lead), media()
    spans = sorted({segment.msn - segment.msn % SPAN for segment in timeline.segments})
    for first in spans:
        job.check()
        try:
            storage.size(_key(vod, first))
        except FileNotFoundError:
            _put_away(storage, vod, timeline, first)
    deletions = _deletions(storage, vod, spans)
    pulse = Pulse(job, vod, AssetKind.CHAT)
    offsets: list[int] = []
    messages = size = 0
    with work_file() as path:
        with path.open("wb") as file:
            for done, first in enumerate(spans):
                pulse(done, len(spans))
                for line in events.without_deleted([*_lines(storage, vod, first), *deletions[first]]):
                    if _MESSAGE not in line:
                        continue
                    at_ms = timeline.position_of(json.loads(line)["ts"])
                    while len(offsets) <= at_ms // WINDOW_MS:
                        offsets.append(size)
                    size += file.write(f'{{"at":{at_ms},{line[1:]}\n'.encode())
                    messages += 1
        key = f"{vod.prefix}chat.jsonl"
        if messages:
            storage.put_file(key, path)
    facts = {"messages": messages, "every_ms": WINDOW_MS, "offsets": [*offsets, size]}
    made = [Product(key, size, facts)] if messages else []
    return Outcome(write=lambda: _write(vod, made, spans))


def _put_away(storage: MediaStorage, vod: Vod, timeline: Timeline, first: int) -> None:
    window = _window(timeline, first)
    if window is None:
        return
    from_ms, until_ms = window
    said = room_archive.transcript(str(vod.channel_id), from_ms=from_ms, until_ms=until_ms)
    if not said.complete:
        log.warning("chat.lost", vod=str(vod.pk), first=first)
    storage.put(_key(vod, first), "".join(f"{line.text}\n" for line in said.lines).encode())


def _window(timeline: Timeline, first: int) -> tuple[int, int] | None:
    """From when to when a span was live, UTC ms: from the end of what came before it, so that what was said while the
    encoder was away is not lost."""
    span = [segment for segment in timeline.segments if first <= segment.msn < first + SPAN]
    if not span:
        return None
    before = [segment for segment in timeline.segments if segment.msn < first]
    return _end_ms(before[-1], timeline) if before else span[0].wall_ms, _end_ms(span[-1], timeline)


def _end_ms(segment: StoredSegment, timeline: Timeline) -> int:
    return segment.wall_ms + segment.duration * 1000 // timeline.timescale


def _deletions(storage: MediaStorage, vod: Vod, spans: Sequence[int]) -> dict[int, list[str]]:
    """For each span the records of later spans that delete something."""
    later: list[str] = []
    found = {}
    for first in reversed(spans):
        found[first] = list(later)
        later = [line for line in _lines(storage, vod, first) if _MESSAGE not in line] + later
    return found


def _lines(storage: MediaStorage, vod: Vod, first: int) -> Iterator[str]:
    return (line for line in storage.read(_key(vod, first)).decode().split("\n") if line)


def _write(vod: Vod, made: Sequence[Product], spans: Sequence[int]) -> None:
    enter_products(vod, AssetKind.CHAT, made)
    # Nothing depends on it: an object that is left goes with its VOD.
    transaction.on_commit(partial(_remove, [_key(vod, first) for first in spans]), robust=True)


def _remove(keys: Sequence[str]) -> None:
    storage = media()
    for key in keys:
        storage.remove(key)


def _key(vod: Vod, first: int) -> str:
    return f"{vod.prefix}chat/{first:08}.jsonl"
