"""What ingest counts of the paths that WHIP comes by, once a second. A mere receiver learns nothing of round trips."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

PACKETS = Counter("headrace_whip_packets", "RTP packets that came.", ["kind"])
LOST = Counter("headrace_whip_lost_packets", "RTP packets that were given up: not sent again in time.", ["kind"])
ASKED_AGAIN = Counter("headrace_whip_asked_again_packets", "Missing packets that were asked for (NACK), each time.")
KEYFRAMES_ASKED = Counter("headrace_whip_keyframe_requests", "Requests for a keyframe (PLI).")
JITTER = Histogram(
    "headrace_whip_jitter_seconds",
    "Interarrival jitter of a track (RFC 3550 A.8), each second.",
    ["kind"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
)
"""`kind` is video or audio."""
