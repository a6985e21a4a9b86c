"""What ingest counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

PUBLISHERS = Gauge("headrace_ingest_publishers", "Encoders that publish here.")
BYTES = Counter("headrace_ingest_bytes", "Media packaged, in bytes.")
DROPPED = Counter("headrace_ingest_dropped_units", "Access units that came too late to be placed.")
INTERRUPTIONS = Counter("headrace_ingest_interruptions", "Times that what waited for the bus had to be dropped.")
REFUSALS = Counter("headrace_ingest_refusals", "Encoders that were sent away.", ["why"])
"""`why`: address (too many wrong keys), key, room (in memory), overload, taken (another encoder is on), ended, bus."""
