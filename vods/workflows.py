"""Which durable workflows there are, what they begin with, and which rows ask for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from vods.archiving import SEAL
from vods.models import AssetKind, Clip, ClipState, Recall, Vod, VodKind, VodState
from vods.models.vod import AT_HAND
from vods.steps import StepSpec, Work
from vods.wanted import WorkflowKind
from vods.work.archive import archive
from vods.work.chat import make_chat, record_chat
from vods.work.clip import CLIP, REMOVE_CLIP, clip_died, make_clip, remove_clip
from vods.work.highlight import CUT, cut, cut_died
from vods.work.keeping import KEEPING, apply_retention, keeping_of, record_costs
from vods.work.ladder import gather_ladder
from vods.work.movies import make_audio, make_videos
from vods.work.pictures import asked_posters, make_poster, make_preview, make_storyboard, poster_steps
from vods.work.product import product_died
from vods.work.recall import TELL, tell, tell_died
from vods.work.remove import REMOVE_VOD, remove_vod, vanish_vod
from vods.work.seal import seal, seal_died
from vods.work.tiers import MOVE, apply_tiers, move_died, move_media
from vods.work.warning import find_warned, warn

WORKS: Mapping[str, Work] = {
    "archive": Work(archive),
    "seal": Work(seal, died=seal_died),
    "mp4": Work(make_videos, died=product_died(AssetKind.MP4)),
    "audio": Work(make_audio, died=product_died(AssetKind.AUDIO)),
    "storyboard": Work(make_storyboard, died=product_died(AssetKind.STORYBOARD)),
    "poster": Work(make_poster, died=product_died(AssetKind.POSTER)),
    "preview": Work(make_preview, died=product_died(AssetKind.PREVIEW)),
    "record-chat": Work(record_chat),
    "chat": Work(make_chat, died=product_died(AssetKind.CHAT)),
    "gather-ladder": Work(gather_ladder),
    "retention": Work(apply_retention),
    "warnings": Work(find_warned),
    "warn": Work(warn),
    "tiers": Work(apply_tiers),
    "costs": Work(record_costs),
    "move": Work(move_media, died=move_died),
    "tell": Work(tell, died=tell_died),
    "cut": Work(cut, died=cut_died),
    "clip": Work(make_clip, died=clip_died),
    "remove-clip": Work(remove_clip),
    "remove-vod": Work(remove_vod),
    "vanish-vod": Work(vanish_vod),
}
"""What each kind of step does; `workers` adds what needs an encoder."""

FIRST_STEPS: Mapping[WorkflowKind, Callable[[UUID], Sequence[StepSpec]]] = {
    WorkflowKind.VOD: lambda _vod: (SEAL,),
    WorkflowKind.HIGHLIGHT: lambda _vod: (CUT,),
    WorkflowKind.POSTER: poster_steps,
    WorkflowKind.DELETE_VOD: lambda _vod: REMOVE_VOD,
    WorkflowKind.CLIP: lambda _clip: (CLIP,),
    WorkflowKind.DELETE_CLIP: lambda _clip: (REMOVE_CLIP,),
    WorkflowKind.MOVE: lambda _move: (MOVE,),
    WorkflowKind.TELL: lambda _recall: (TELL,),
    WorkflowKind.KEEPING: lambda _day: KEEPING,
}
"""What a workflow of each kind begins with, about a subject."""

ENDS: Mapping[WorkflowKind, Sequence[WorkflowKind]] = {
    WorkflowKind.DELETE_VOD: (WorkflowKind.VOD, WorkflowKind.HIGHLIGHT, WorkflowKind.POSTER),
    WorkflowKind.DELETE_CLIP: (WorkflowKind.CLIP,),
}
"""Workflows of the same subject that are cancelled when one of a kind begins."""


MOVES_AT_ONCE = 50
"""So many moves are begun and neither done nor waiting for storage: what else is durable must not wait for all of a
day's. Those go first that somebody waits for."""

AGAIN = frozenset({WorkflowKind.POSTER})
"""Kinds that are begun again about the same subject: what is asked for anew is a step of another name."""


def asked_for(*, now: datetime) -> Iterator[tuple[WorkflowKind, UUID]]:
    """The workflows that rows ask for by their state, and the day, whether they run by now or not.

    A day's work is begun when it is due; this is for those that nobody has begun an hour later.
    """
    yield WorkflowKind.KEEPING, keeping_of((now - timedelta(hours=settings.DAY_BEGINS + 1)).date())
    for pk, kind in Vod.objects.filter(state=VodState.SEALING).values_list("pk", "kind"):
        yield (WorkflowKind.HIGHLIGHT if kind == VodKind.HIGHLIGHT else WorkflowKind.VOD), pk
    for pk in Vod.objects.filter(state=VodState.DELETING).values_list("pk", flat=True):
        yield WorkflowKind.DELETE_VOD, pk
    for state, kind in ((ClipState.MAKING, WorkflowKind.CLIP), (ClipState.DELETING, WorkflowKind.DELETE_CLIP)):
        for pk in Clip.objects.filter(state=state).values_list("pk", flat=True):
            yield kind, pk
    waited_for = Exists(Recall.objects.filter(vod=OuterRef("pk")))
    moves = (
        Vod.objects.moving()
        .filter(recalled_at=None)
        .exclude(moving_since=None)
        .order_by(waited_for.desc(), "moving_since")
        .values_list("move", flat=True)
    )
    yield from ((WorkflowKind.MOVE, move) for move in moves[:MOVES_AT_ONCE] if move)
    told = Recall.objects.filter(vod__state=VodState.READY, vod__move=None, vod__tier__in=AT_HAND)
    for pk in told.values_list("pk", flat=True):
        yield WorkflowKind.TELL, pk
    for pk in asked_posters().values_list("vod_id", flat=True):
        yield WorkflowKind.POSTER, pk
