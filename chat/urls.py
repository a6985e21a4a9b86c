"""The addresses of chat's pages. Its JSON lives under `/chat/` too: `chat.api`."""

from __future__ import annotations

from django.urls import path, re_path

import streaming.urls  # noqa: F401 - it registers the `login` converter
from chat import views

app_name = "chat"
urlpatterns = [
    path("popout/<login:login>/chat", views.popout, name="popout"),
    path("overlay/<login:login>/chat", views.overlay, name="overlay"),
    re_path(r"^following/?$", views.following, name="following"),
    path("settings/notices", views.live_notices, name="live_notices"),
    path("chat/<login:login>/follow", views.follow, name="follow"),
    path("chat/<login:login>/moderation", views.moderation, name="moderation"),
    path("chat/<login:login>/moderation/emotes", views.add_emote, name="add_emote"),
    path("chat/<login:login>/moderation/emotes/<uuid:emote_id>/remove", views.remove_emote, name="remove_emote"),
    path("chat/<login:login>/moderation/terms", views.add_term, name="add_term"),
    path("chat/<login:login>/moderation/terms/<int:term_id>/remove", views.remove_term, name="remove_term"),
    path("chat/emotes/<uuid:emote_id>.webp", views.emote, name="emote"),
]
