"""Moves of a VOD's media from tier to tier, and viewers' asking for what is in cold storage.

What is under way is in the VOD's row: `move` names it, and whoever carries it out changes the row only while it has
that name. So there is one at a time.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from accounts.models import User
from vods.access import may_watch
from vods.errors import NotReady, TooMany, UnknownVod
from vods.models import Recall, Tier, Vod
from vods.models.vod import AT_HAND
from vods.tiers import ORDER
from vods.wanted import WorkflowKind, want

COMES_TO = Tier.WARM
"""Where a VOD lies that was brought back; many viewers make it hot."""
MOST_COMING = 100
"""VODs that are brought back at a time: storage has each restoring paid for."""
MOST_WAITING = 1_000
"""People who are written to about one VOD."""
MOST_ASKED = 5
"""VODs that one person waits for."""


def begin_move(*, vod_id: UUID, to: Tier, now: datetime) -> UUID | None:
    """Has a VOD's media move to another tier; None if it is on a move, lies there already, or does not play.

    What goes into cold storage does not play from now on. The sweep finds the move; `want` it where somebody waits.
    """
    move = uuid7()
    begun = (
        Vod.objects.ready()
        .filter(pk=vod_id, move=None)
        .exclude(tier=to)
        .update(moving_to=to, moving_since=now, move=move)
    )
    return move if begun else None


@transaction.atomic
def move_vod(*, vod_id: UUID, to: Tier, now: datetime) -> None:
    """Has a VOD move because the house wants it there. Raises NotReady."""
    move = begin_move(vod_id=vod_id, to=to, now=now)
    if move is None:
        raise NotReady("It is on a move, lies there already, or does not play.")
    want(WorkflowKind.MOVE, move)


def note_recall(*, move: UUID, now: datetime) -> None:
    """Storage has been asked for what is away: the move goes on when that has come."""
    Vod.objects.filter(move=move, recalled_at=None).update(recalled_at=now)


def give_up_move(*, move: UUID) -> None:
    """It failed too often. The VOD stays as it is, in part here and in part there: the next day it is begun anew."""
    Vod.objects.filter(move=move).update(moving_since=None)


def begin_given_up_moves(*, now: datetime) -> None:
    """Begins all anew that were given up."""
    for pk in list(Vod.objects.moving().filter(moving_since=None).values_list("pk", flat=True)):
        Vod.objects.filter(pk=pk).update(move=uuid7(), moving_since=now, recalled_at=None)


@transaction.atomic
def end_move(*, move: UUID, now: datetime) -> None:
    """The media has arrived: it plays, or it is cold. One that somebody has asked for meanwhile turns round."""
    vod = Vod.objects.select_for_update(no_key=True).filter(move=move).first()
    if vod is None:
        return
    waiting = list(vod.recalls.values_list("pk", flat=True))
    to = Tier(vod.moving_to)
    up = ORDER.index(to) < ORDER.index(Tier(vod.tier))
    Vod.objects.filter(pk=vod.pk).update(
        tier=to,
        tier_since=now,
        brought_up_at=now if up else vod.brought_up_at,
        moving_to="",
        moving_since=None,
        recalled_at=None,
        move=None,
    )
    if to in AT_HAND:
        for recall in waiting:
            want(WorkflowKind.TELL, recall)
    elif waiting:
        move_vod(vod_id=vod.pk, to=COMES_TO, now=now)


@transaction.atomic
def ask_back(*, vod_id: UUID, by: User, now: datetime) -> bool:
    """Has a VOD brought back from cold storage, and its viewer written to when it plays; false if it does already.

    Raises UnknownVod, NotReady, TooMany.
    """
    vod = (
        Vod.objects.existing()
        .select_related("channel__user")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=vod_id)
        .first()
    )
    if vod is None or not may_watch(vod=vod, user=by):
        raise UnknownVod
    if not vod.plays:
        raise NotReady("This video does not play.")
    if vod.at_hand:
        return False
    if vod.recalls.filter(by=by).exists():
        return True
    if by.recalls.count() >= MOST_ASKED:
        raise TooMany(f"You wait for {MOST_ASKED} videos already. Ask for this one when they are there.")
    if vod.recalls.count() >= MOST_WAITING:
        raise TooMany("It is on its way, and more people wait for it than can be written to. Look here again.")
    if not vod.move:
        if Vod.objects.coming().count() >= MOST_COMING:
            raise TooMany("Many videos are being brought back at the moment. Ask for this one in an hour.")
        move_vod(vod_id=vod_id, to=COMES_TO, now=now)
    Recall.objects.create(vod=vod, by=by, asked_at=now)
    return True
