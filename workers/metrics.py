"""What a device's worker counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

ENCODERS = Gauge("headrace_device_encoders", "ffmpegs at work or kept warm.")
SEGMENTS = Counter("headrace_device_segments", "Attempts at segments that were carried out here.", ["outcome"])
"""`outcome`: done, refused (another attempt had taken its place), failed."""
