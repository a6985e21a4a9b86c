"""How what is made of a VOD gets into the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F

from vods.models import Asset, AssetKind, AssetState, Vod, VodState
from vods.steps import Hopeless, Job

STEP_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Product:
    """Something that lies in storage: `size` counts all of its objects, `facts` are those of its `AssetKind`."""

    key: str
    size: int
    facts: Mapping[str, Any] = field(default_factory=dict)


def ready_vod(vod_id: UUID) -> Vod:
    """The VOD that a product is made of. Raises Hopeless if it doesn't play (any more)."""
    vod = Vod.objects.ready().filter(pk=vod_id).first()
    if vod is None:
        raise Hopeless("This VOD does not play, or was deleted.")
    return vod


def enter_products(vod: Vod, kind: AssetKind, products: Sequence[Product]) -> None:
    """Writes what was made of a kind, numbered from 0, in place of what was there; nothing made is an absent one."""
    locked = Vod.objects.select_for_update(no_key=True).get(pk=vod.pk)
    if locked.state != VodState.READY:
        return
    had = sum(vod.assets.of_kind(kind).values_list("size", flat=True))
    vod.assets.of_kind(kind).filter(number__gte=max(1, len(products))).delete()
    if not products:
        _put(vod, kind, 0, {"state": AssetState.ABSENT})
    for number, product in enumerate(products):
        made = {"state": AssetState.READY, "progress": 100, "key": product.key, "size": product.size, "error": ""}
        _put(vod, kind, number, {**made, "facts": dict(product.facts)})
    Vod.objects.filter(pk=vod.pk).update(size=F("size") + sum(product.size for product in products) - had)


def product_died(kind: AssetKind) -> Callable[[UUID, Mapping[str, Any], str], None]:
    """What is written when a kind of product was given up: the streamer's page says why."""

    def died(vod_id: UUID, _arguments: Mapping[str, Any], error: str) -> None:
        Asset.objects.filter(vod=vod_id, kind=kind, number=0).update(state=AssetState.FAILED, error=error)

    return died


class Pulse:
    """Called with how much of the work is done: makes sure that it is still ours, and tells the streamer's page."""

    def __init__(self, job: Job, vod: Vod, kind: AssetKind) -> None:
        self._job = job
        self._making = Asset.objects.filter(vod=vod, kind=kind, number=0, state=AssetState.MAKING)
        self._told = 0

    def __call__(self, done: int, of: int) -> None:
        """Raises Abandoned."""
        self._job.check()
        percent = 100 * done // max(1, of)
        if percent >= self._told + STEP_PERCENT:
            self._told = percent
            self._making.update(progress=percent)  # a hint, outside of any transaction


def _put(vod: Vod, kind: AssetKind, number: int, values: Mapping[str, Any]) -> None:
    Asset.objects.update_or_create(vod=vod, kind=kind, number=number, defaults=dict(values))
