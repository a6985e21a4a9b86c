"""What chat counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SOCKETS = Gauge("headrace_chat_sockets", "Sockets in rooms here.")
DELIVERIES = Counter("headrace_chat_deliveries", "Records handed to sockets: one message to 100 sockets is 100.")
DROPPED = Counter("headrace_chat_dropped_records", "Records that a room had no place for; its viewers resume.")
SLOW = Counter("headrace_chat_slow_sockets", "Sockets that were closed because they read too slowly.")
