"""Marking a moment from the dashboard."""

from __future__ import annotations

from django.test import Client

from streaming import services
from streaming.models import Broadcast
from tests.vods.conftest import NOW
from tests.vods.recorded import nobody_listens


def test_the_streamer_marks_a_moment_while_live(broadcast: Broadcast) -> None:
    client = Client()
    client.force_login(broadcast.channel.user, backend="django.contrib.auth.backends.ModelBackend")
    assert "Mark this moment" in client.get("/dashboard").content.decode()
    answer = client.post("/dashboard/marker", {"text": "  The goal  " + "x" * 200})
    assert answer.json()["text"].startswith("The goal  x")
    assert len(broadcast.markers.get().text) == 140
    assert "The goal" in client.get("/dashboard").content.decode()
    services.end_broadcast(broadcast_id=broadcast.pk, now=NOW, publish=nobody_listens)
    refused = client.post("/dashboard/marker", {"text": "Late"})
    assert (refused.status_code, refused.json()["message"]) == (409, "You are not live.")
