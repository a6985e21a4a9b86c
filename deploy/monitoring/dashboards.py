"""Grafana's dashboards, as code: `python -m deploy.monitoring.dashboards` writes them into `grafana/`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "grafana"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH = 24
HEIGHT = 7


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture of queries: `queries` are `(legend, PromQL)`. `unit` and `kind` are Grafana's."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    wide: int = 8


def live(name: str, by: str = "broadcast") -> str:
    """A gauge that each dispatcher tells: once."""
    return f"max by ({by}) ({name})"


FLEET = (
    Panel("Broadcasts", (("{{state}}", live("headrace_broadcasts", "state")),), kind="stat", wide=12),
    Panel("Viewers", (("viewers", f"sum({live('headrace_broadcast_viewers')})"),), kind="stat", wide=4),
    Panel("Alerts", (("{{severity}}", 'sum by (severity) (ALERTS{alertstate="firing"})'),), kind="stat", wide=4),
    Panel("Processes", (("{{job}}", "sum by (job) (up)"),), kind="stat", wide=4),
    Panel("Broadcasts", (("{{state}}", live("headrace_broadcasts", "state")),)),
    Panel("Most watched", (("{{broadcast}}", f"topk(10, {live('headrace_broadcast_viewers')})"),)),
    Panel("Valkeys' memory", (("{{valkey}}", live("headrace_valkey_memory_ratio", "valkey")),), unit="percentunit"),
    Panel("Encoders", (("{{instance}}", "headrace_ingest_publishers"),)),
    Panel("Media in", (("{{instance}}", "8 * rate(headrace_ingest_bytes_total[1m])"),), unit="bps"),
    Panel(
        "Encoders in trouble",
        (
            ("refused: {{why}}", "sum by (why) (rate(headrace_ingest_refusals_total[5m]))"),
            ("bus interrupted: {{instance}}", "rate(headrace_ingest_interruptions_total[5m])"),
            ("units too late: {{instance}}", "rate(headrace_ingest_dropped_units_total[5m])"),
        ),
    ),
    Panel(
        "WebRTC encoders: packets that came",
        (("{{kind}}", "sum by (kind) (rate(headrace_whip_packets_total[1m]))"),),
        unit="pps",
    ),
    Panel(
        "WebRTC encoders: packets asked for again and lost, keyframes asked for",
        (
            ("asked again", "sum (rate(headrace_whip_asked_again_packets_total[1m]))"),
            ("lost: {{kind}}", "sum by (kind) (rate(headrace_whip_lost_packets_total[1m]))"),
            ("keyframes", "sum (rate(headrace_whip_keyframe_requests_total[1m]))"),
        ),
    ),
    Panel(
        "WebRTC encoders: jitter, p95",
        (("{{kind}}", "histogram_quantile(0.95, sum by (kind, le) (rate(headrace_whip_jitter_seconds_bucket[1m])))"),),
        unit="s",
    ),
    Panel(
        "Devices: segment tasks at work, of slots",
        (
            ("{{device}}", live("headrace_device_slots_leased", "device")),
            ("slots of {{device}}", live("headrace_device_slots", "device")),
        ),
    ),
    Panel(
        "Devices: share of the capacity that is taken",
        (
            (
                "{{device}}",
                " / ".join(live(f"headrace_device_{what}_pixels", "device") for what in ("taken", "capacity")),
            ),
        ),
        unit="percentunit",
    ),
    Panel(
        "Segment tasks: from order to start, p95; the oldest that waits",
        (
            ("p95", "histogram_quantile(0.95, sum by (le) (rate(headrace_task_start_seconds_bucket[1m])))"),
            ("oldest, {{device}}", live("headrace_device_oldest_task_seconds", "device")),
        ),
        unit="s",
    ),
    Panel(
        "Segment tasks: attempts",
        (
            ("{{why}}", "sum by (why) (rate(headrace_attempts_total[1m]))"),
            ("hedges won", "sum (rate(headrace_hedges_won_total[1m]))"),
        ),
        unit="ops",
    ),
    Panel(
        "Segment tasks: deadlines missed, renditions shed",
        (
            ("{{why}}", "sum by (why) (rate(headrace_deadline_misses_total[5m]))"),
            ("shed", "sum (rate(headrace_renditions_shed_total[5m]))"),
        ),
        unit="ops",
    ),
    Panel("Devices: room for what is watched (1: too little)", (("short", "max (headrace_devices_short)"),)),
    Panel(
        "Playback: requests",
        (("{{what}} {{status}}", "sum by (what, status) (rate(headrace_playback_seconds_count[1m]))"),),
        unit="reqps",
    ),
    Panel(
        "Playback: time to the answer, p95 (reloads wait on purpose)",
        (("{{what}}", "histogram_quantile(0.95, sum by (what, le) (rate(headrace_playback_seconds_bucket[1m])))"),),
        unit="s",
    ),
    Panel(
        "Playback: at work",
        (
            ("waiting, {{instance}}", "headrace_playback_waiting"),
            ("broadcasts, {{instance}}", "headrace_playback_followed_broadcasts"),
        ),
    ),
    Panel("Media out of the origin", (("{{instance}}", "8 * rate(headrace_playback_bytes_total[1m])"),), unit="bps"),
    Panel(
        "Pages",
        (("{{status}}", "sum by (status) (rate(headrace_page_seconds_count[1m]))"),),
        unit="reqps",
    ),
    Panel(
        "Pages: time to the answer, p95",
        (("p95", "histogram_quantile(0.95, sum by (le) (rate(headrace_page_seconds_bucket[1m])))"),),
        unit="s",
    ),
    Panel("Chat: sockets", (("{{job}} {{instance}}", "headrace_chat_sockets"),)),
    Panel("Chat: deliveries", (("{{instance}}", "rate(headrace_chat_deliveries_total[1m])"),), unit="ops"),
    Panel(
        "Chat: dropped",
        (
            ("records, {{instance}}", "rate(headrace_chat_dropped_records_total[5m])"),
            ("slow sockets, {{instance}}", "rate(headrace_chat_slow_sockets_total[5m])"),
        ),
    ),
    Panel("CPU", (("{{job}} {{instance}}", "rate(process_cpu_seconds_total[1m])"),), unit="percentunit"),
    Panel("Memory", (("{{job}} {{instance}}", "process_resident_memory_bytes"),), unit="bytes"),
    Panel("Open files", (("{{job}} {{instance}}", "process_open_fds"),)),
)

ONE = '{broadcast="$broadcast"}'
BROADCAST = (
    Panel("Up", (("up", live(f"headrace_broadcast_up{ONE}")),), kind="stat", wide=6),
    Panel("Viewers", (("viewers", live(f"headrace_broadcast_viewers{ONE}")),), kind="stat", wide=6),
    Panel("Behind live", (("mean", live(f"headrace_broadcast_latency_seconds{ONE}")),), unit="s", kind="stat", wide=6),
    Panel("Partner", (("partner", live(f"headrace_broadcast_partner{ONE}")),), kind="stat", wide=6),
    Panel("Viewers", (("viewers", live(f"headrace_broadcast_viewers{ONE}")),), wide=12),
    Panel("Behind live", (("mean", live(f"headrace_broadcast_latency_seconds{ONE}")),), unit="s", wide=12),
    Panel("Stalls in 14 s", (("stalls", live(f"headrace_broadcast_stalls{ONE}")),), wide=12),
    Panel("Newest chunk's age", (("age", live(f"headrace_broadcast_source_age_seconds{ONE}")),), unit="s", wide=12),
)


def placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """The panels as Grafana has them, in rows from the left."""
    found: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.wide > WIDTH:
            x, y = 0, y + HEIGHT
        targets = [
            {"refId": chr(ord("A") + nth), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for nth, (legend, query) in enumerate(panel.queries)
        ]
        found.append(
            {
                "id": number,
                "title": panel.title,
                "type": panel.kind,
                "datasource": SOURCE,
                "gridPos": {"x": x, "y": y, "w": panel.wide, "h": HEIGHT},
                "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
                "targets": targets,
            }
        )
        x += panel.wide
    return found


def dashboard(uid: str, title: str, panels: tuple[Panel, ...], variables: list[dict[str, Any]]) -> dict[str, Any]:
    """A dashboard as Grafana provisions it."""
    return {
        "uid": uid,
        "title": title,
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": variables},
        "panels": placed(panels),
    }


WHICH = {
    "name": "broadcast",
    "type": "query",
    "datasource": SOURCE,
    "query": "label_values(headrace_broadcast_viewers, broadcast)",
    "refresh": 2,
}
DASHBOARDS = {
    "fleet": dashboard("headrace-fleet", "Headrace: fleet", FLEET, []),
    "broadcast": dashboard("headrace-broadcast", "Headrace: one broadcast", BROADCAST, [WHICH]),
}


def written(name: str) -> str:
    """A dashboard's file."""
    return json.dumps(DASHBOARDS[name], indent=2) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(written(name))
