"""VODs and clips in the site's JSON API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from vods.api import clips, videos
from vods.errors import BadRange, BadText, MayNot, NotReady, TooMany, UnknownClip, UnknownVod, VodError

STATUS: dict[type[VodError], tuple[int, str]] = {
    UnknownVod: (404, "not_found"),
    UnknownClip: (404, "not_found"),
    MayNot: (403, "may_not"),
    NotReady: (409, "not_ready"),
    BadRange: (422, "bad_range"),
    BadText: (422, "bad_text"),
    TooMany: (422, "too_many"),
}


def mount(api: NinjaAPI) -> None:
    """Puts `/vods` and `/vods/clips` into the site's API, with its refusals as JSON."""

    def refused(request: HttpRequest, error: VodError) -> HttpResponse:
        status, code = STATUS[type(error)]
        return api.create_response(request, {"code": code, "message": str(error)}, status=status)

    api.exception_handler(VodError)(refused)
    # `/clips/<id>` is a page.
    api.add_router("/vods/clips", clips.router)
    api.add_router("/vods", videos.router)
