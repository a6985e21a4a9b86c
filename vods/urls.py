"""The addresses of pages about videos. Their JSON is at `/vods` and `/clips`: `vods.api`."""

from __future__ import annotations

from django.urls import path

import streaming.urls  # noqa: F401 - it registers the `login` converter
from vods.views import watch

app_name = "vods"
urlpatterns = [
    path("videos/<uuid:vod_id>", watch.video, name="video"),
    path("videos/<uuid:vod_id>/chapters.vtt", watch.chapters, name="chapters"),
    path("<login:login>/videos", watch.channel_videos, name="channel_videos"),
]
