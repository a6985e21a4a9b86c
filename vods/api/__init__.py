"""VODs and clips in the site's JSON API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from vods.api import videos
from vods.errors import BadRange, BadText, MayNot, NotReady, TooMany, UnknownVod, VodError

STATUS: dict[type[VodError], tuple[int, str]] = {
    UnknownVod: (404, "not_found"),
    MayNot: (403, "may_not"),
    NotReady: (409, "not_ready"),
    BadRange: (422, "bad_range"),
    BadText: (422, "bad_text"),
    TooMany: (422, "too_many"),
}


def mount(api: NinjaAPI) -> None:
    """Puts `/vods` into the site's API, with its refusals as JSON."""

    def refused(request: HttpRequest, error: VodError) -> HttpResponse:
        status, code = STATUS[type(error)]
        return api.create_response(request, {"code": code, "message": str(error)}, status=status)

    api.exception_handler(VodError)(refused)
    api.add_router("/vods", videos.router)
