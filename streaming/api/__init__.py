"""The JSON API: streams, for programs. Its description is at `/api/docs`."""

from streaming.api.application import api

__all__ = ["api"]
