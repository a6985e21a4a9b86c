"""What the API's page says beside its operations."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """
Streams of this site, for programs. Every error is JSON: `{"code": "unknown_key", "message": "A sentence."}`.
Requests are limited per address; beyond that the answer is 429 with `Retry-After`.
"""

MANIFEST: dict[str, Any] = {
    "/streams/{stream_id}/manifest.m3u8": {
        "get": {
            "operationId": "get_manifest",
            "tags": ["streams"],
            "summary": "The stream's media",
            "description": (
                "The HLS multivariant playlist (RFC 8216bis): renditions, their codecs and bit rates, and the "
                "low-latency media playlists. It is there while the stream is on and for some minutes after."
            ),
            "parameters": [
                {
                    "in": "path",
                    "name": "stream_id",
                    "required": True,
                    "schema": {"type": "string", "format": "uuid", "title": "Stream Id"},
                }
            ],
            "responses": {
                "200": {
                    "description": "The playlist.",
                    "content": {"application/vnd.apple.mpegurl": {"schema": {"type": "string"}}},
                },
                "404": {"description": "No media: the id is unknown, or the stream ended a while ago."},
            },
        }
    }
}
