"""Lists in pages."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet

from streaming.api.schemas import PageQuery

M = TypeVar("M", bound=Model)


def paged(found: QuerySet[M], wanted: PageQuery) -> tuple[list[M], dict[str, Any]]:
    """The entries of the wanted page, none beyond the last, and the fields of `schemas.Page`."""
    pages = Paginator(found, wanted.per_page)
    entries = list(pages.page(wanted.page)) if wanted.page <= pages.num_pages else []
    return entries, {"total": pages.count, "page": wanted.page, "pages": pages.num_pages}
