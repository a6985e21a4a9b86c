"""What a dispatcher counts: of several, each what it has done itself."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

ATTEMPTS = Counter("headrace_attempts", "Attempts at segments that were ordered.", ["why"])
"""`why`: opened, standby, or what befell the attempt before; "late" is a hedge."""
HEDGES_WON = Counter("headrace_hedges_won", "Hedges that finished what the attempt before was late with.")
MISSES = Counter("headrace_deadline_misses", "Segments of a rendition that were given up and became GAP.", ["why"])
SHED = Counter("headrace_renditions_shed", "Renditions that were stopped for want of room.")
START = Histogram(
    "headrace_task_start_seconds",
    "From the order of a segment task to its claim by a worker.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
