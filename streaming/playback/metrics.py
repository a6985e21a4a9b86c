"""What playback counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = Histogram(
    "headrace_playback_seconds",
    "From a request to its answer. Blocking reloads wait on purpose, up to three target durations.",
    ["what", "status"],
    buckets=(0.005, 0.02, 0.1, 0.25, 0.5, 1, 2, 4, 6, 10),
)
BYTES = Counter("headrace_playback_bytes", "Bodies answered, in bytes.")
WAITING = Gauge("headrace_playback_waiting", "Requests that wait for what is to come.")
FOLLOWED = Gauge("headrace_playback_followed_broadcasts", "Broadcasts that this process follows on the bus.")
