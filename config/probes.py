"""Who may be asked how this process is, and by which name: by whoever reaches it, by any."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

PATHS = frozenset({"/healthz", "/readyz"})


class Probes:
    """Middleware: answers probes before anything asks for the host. Proxies and orchestrators ask a process by its
    address, or as `localhost`, which need not be in ALLOWED_HOSTS; refused, they would take every process for dead.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PATHS:
            return self.get_response(request)
        response: HttpResponse = resolve(request.path_info).func(request)
        return response
