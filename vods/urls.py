"""The addresses of pages about videos. Their JSON is below `/vods`: `vods.api`."""

from __future__ import annotations

from django.urls import path, re_path

import streaming.urls  # noqa: F401 - it registers the `login` converter
from vods.views import clips, manage, markers, watch

app_name = "vods"
urlpatterns = [
    path("videos/<uuid:vod_id>", watch.video, name="video"),
    path("videos/<uuid:vod_id>/recall", watch.recall, name="recall"),
    path("videos/<uuid:vod_id>/chapters.vtt", watch.chapters, name="chapters"),
    path("clips/<uuid:clip_id>", clips.clip, name="clip"),
    path("clips/<uuid:clip_id>/delete", clips.delete, name="delete_clip"),
    path("<login:login>/clips", clips.channel_clips, name="channel_clips"),
    path("dashboard/marker", markers.mark, name="mark"),
    re_path(r"^dashboard/videos/?$", manage.videos, name="videos"),
    path("dashboard/videos/settings", manage.settings, name="settings"),
    path("dashboard/videos/<uuid:vod_id>", manage.edit, name="edit"),
    path("dashboard/videos/<uuid:vod_id>/poster", manage.poster, name="poster"),
    path("dashboard/videos/<uuid:vod_id>/highlight", manage.highlight, name="highlight"),
    path("dashboard/videos/<uuid:vod_id>/delete", manage.delete, name="delete"),
    path("<login:login>/videos", watch.channel_videos, name="channel_videos"),
]
