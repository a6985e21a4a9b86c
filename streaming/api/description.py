"""What the API's page says beside its operations."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """
Streams, videos and clips of this site, for programs.
Every error is JSON: `{"code": "unknown_key", "message": "A sentence."}`.
Requests are limited per address; beyond that the answer is 429 with `Retry-After`.
"""

MEDIA: dict[str, Any] = {
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
    },
    "/vods/{vod_id}/manifest.m3u8": {
        "get": {
            "operationId": "get_vod_manifest",
            "tags": ["vods"],
            "summary": "The VOD's media",
            "description": (
                "The HLS multivariant playlist (RFC 8216bis) of a VOD that plays; its segments are ranges of files. "
                "What is not for everybody wants the `token` that `GET /vods/{vod_id}` gives to those who may watch."
            ),
            "parameters": [
                {
                    "in": "path",
                    "name": "vod_id",
                    "required": True,
                    "schema": {"type": "string", "format": "uuid", "title": "Vod Id"},
                },
                {"in": "query", "name": "token", "schema": {"type": "string", "title": "Token"}},
            ],
            "responses": {
                "200": {
                    "description": "The playlist.",
                    "content": {"application/vnd.apple.mpegurl": {"schema": {"type": "string"}}},
                },
                "403": {"description": "It needs a token."},
                "404": {"description": "There is no such VOD, or it does not play yet."},
            },
        }
    },
}
