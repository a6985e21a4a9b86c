"""The addresses of pages. `/streams` is the JSON API's, and what is under `/streams/<id>/` playback's."""

from __future__ import annotations

from django.urls import path, re_path, register_converter

from accounts import names
from streaming.views import account, dashboard, golive, pages, probes


class LoginConverter:
    """A login in any case. A page's name is none, so `/admin` finds its slash as any page would."""

    regex = f"[A-Za-z0-9_]{{{names.MIN_LENGTH},{names.MAX_LENGTH}}}"

    def to_python(self, value: str) -> str:
        if value.lower() in names.PAGES:
            raise ValueError(value)
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(LoginConverter, "login")

app_name = "streaming"
urlpatterns = [
    path("", pages.home, name="home"),
    re_path(r"^directory/?$", pages.directory, name="directory"),
    path("directory/<slug:slug>", pages.category, name="category"),
    re_path(r"^dashboard/?$", dashboard.dashboard, name="dashboard"),
    path("dashboard/go-live", golive.page, name="go_live"),
    path("dashboard/go-live/ticket", golive.issue_ticket, name="issue_ticket"),
    path("dashboard/health", dashboard.health, name="dashboard_health"),
    path("dashboard/info", dashboard.set_info, name="set_info"),
    path("dashboard/end", dashboard.end, name="end"),
    path("dashboard/key", dashboard.issue_key, name="issue_key"),
    path("dashboard/key/revoke", dashboard.revoke_key, name="revoke_key"),
    re_path(r"^search/?$", pages.search, name="search"),
    re_path(r"^settings/?$", account.settings, name="settings"),
    path("settings/tokens", account.issue_token, name="issue_token"),
    path("settings/tokens/<uuid:token_id>/revoke", account.revoke_token, name="revoke_token"),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("<login:login>", pages.channel, name="channel"),
    path("<login:login>/", pages.without_slash),
    path("<login:login>/live", pages.channel_live, name="channel_live"),
]
