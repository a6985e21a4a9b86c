"""What a viewer sees when the worker that makes his rendition is killed or stopped in mid-segment.

python -m bench.takeover [--rounds 5] [--partner]

The whole installation with two CPU devices, an encoder, and headless Chromium watching a ladder rendition. Each round
strikes the worker at work: SIGKILL, or SIGSTOP and 3 s later SIGCONT. Takeover is the time from the blow to the next
part, which is another attempt's; lateness counts from the source chunk that completes a part. A stall is a `waiting`
event of the video element, a freeze a gap of more than 250 ms between two frames shown. A partner's broadcast has a
hot standby; how often one was promoted in the round is told, too.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from bench import report
from bench.browser import AUTOPLAY, choose_quality, launched, until
from bench.encoder import ClockEncoder, Picture, by_rtmp
from bench.parts import due, entries
from bench.processes import command_of, descendants
from bench.rig import Rig
from streaming.bus import reading
from streaming.bus.redis import Valkey
from streaming.bus.view import Attempt, observe
from streaming.media import SOURCE

PICTURE = Picture(width=640, height=480, bitrate=1_200_000)
RENDITION = "360p"
SETTLE_SECONDS = 12
ROUND_SECONDS = 10
STOPPED_SECONDS = 3
FREEZE_MS = 250
BLOWS = {"SIGKILL": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP}
WATCH = """
window.seen = { gaps: [], stalls: 0 };
(() => {
  const video = document.querySelector("video");
  let before = 0;
  const shown = (now) => {
    if (before) window.seen.gaps.push(now - before);
    before = now;
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  video.addEventListener("waiting", () => { window.seen.stalls += 1; });
})()
"""
TAKE = "(() => { const seen = window.seen; window.seen = { gaps: [], stalls: 0 }; return seen; })()"


@dataclass(frozen=True, slots=True)
class Round:
    """One blow and what came of it; times in ms."""

    blow: str
    takeover: int
    promotions: int
    latest_part: int
    gap_parts: int
    stalls: int
    freezes: int
    longest_freeze: int


class Watched:
    """A broadcast of an installation, seen from the bus and from a page."""

    def __init__(self, rig: Rig, broadcast: str, page: Page) -> None:
        self._rig = rig
        self._broadcast = broadcast
        self._page = page
        self._bus = Valkey(f"unix://{Path(rig.environment['DATA_DIR']) / 'run/bus/valkey.sock'}")

    def round(self, blow: str) -> Round:
        """Strikes, and looks on for ROUND_SECONDS."""
        self._page.evaluate(TAKE)
        promotions = self._promotions()
        victim = self._at_work()
        at = self._bus.run(reading.now_ms())
        os.kill(victim, BLOWS[blow])
        self._page.wait_for_timeout(STOPPED_SECONDS * 1000)
        takeover = self._took_over(at)
        if blow == "SIGSTOP":
            os.kill(victim, signal.SIGCONT)
        self._page.wait_for_timeout((ROUND_SECONDS - STOPPED_SECONDS) * 1000)
        seen = self._page.evaluate(TAKE)
        late, gaps = self._parts(at)
        return Round(
            blow=blow,
            takeover=takeover,
            promotions=self._promotions() - promotions,
            latest_part=max(late),
            gap_parts=gaps,
            stalls=seen["stalls"],
            freezes=sum(gap > FREEZE_MS for gap in seen["gaps"]),
            longest_freeze=round(max(seen["gaps"])),
        )

    def _promotions(self) -> int:
        return self._rig.log.count("segment.promoted")

    def _at_work(self) -> int:
        """The process that has the newest segment's attempt."""
        newest = self._newest_attempts()[-1]
        queue = f"--queues transcode.{newest.device} "
        for pid in descendants(self._rig.pid):
            if queue in command_of(pid):
                return pid
        raise RuntimeError(f"nobody works for {newest.device}")

    def _newest_attempts(self) -> list[Attempt]:
        found = self._bus.run(observe(self._broadcast, segments=4)).tasks
        attempts = [each for task in found.values() for each in task.attempts.values() if not each.standby]
        return sorted(attempts, key=lambda attempt: attempt.claimed_ms or attempt.ordered_ms)

    def _took_over(self, at: int) -> int:
        """How long after the blow the next part came: who was struck publishes none."""
        return min(came for came, _ in entries(self._bus, self._broadcast, RENDITION) if came > at) - at

    def _parts(self, since: int) -> tuple[list[int], int]:
        """How late each part came that was due since then, in ms, and how many were GAP."""
        source = entries(self._bus, self._broadcast, SOURCE)
        late, gaps = [], 0
        for came, chunk in entries(self._bus, self._broadcast, RENDITION):
            at = due(source, chunk)
            if at is not None and at >= since:
                late.append(came - at)
                gaps += chunk.gap
        return late, gaps

    def close(self) -> None:
        self._bus.close()


def measure(rounds: int, *, partner: bool) -> list[Round]:
    with Rig({"DEVICES": "cpu:0,cpu:1"}) as rig, launched(AUTOPLAY) as browser:
        streamer = rig.streamer("takeover")
        if partner:
            rig.make_partner("takeover")
        with ClockEncoder(PICTURE, by_rtmp(streamer.publish_url)):
            broadcast = rig.broadcast_of("takeover")
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{rig.url}/takeover")
            until(page, "document.querySelector('[data-player]').dataset.state === 'live'")
            choose_quality(page, RENDITION)
            until(page, f"document.querySelector('video').videoWidth !== {PICTURE.width}", seconds=15)
            page.wait_for_timeout(SETTLE_SECONDS * 1000)
            page.evaluate(WATCH)
            watched = Watched(rig, broadcast, page)
            try:
                return [watched.round(blow) for _ in range(rounds) for blow in BLOWS]
            finally:
                watched.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.takeover", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5, help="of each blow")
    parser.add_argument("--partner", action="store_true", help="with a hot standby")
    given = parser.parse_args(arguments)
    rounds = measure(given.rounds, partner=given.partner)
    columns = [
        "blow",
        "takeover ms",
        "promotions",
        "latest part ms",
        "GAP parts",
        "stalls",
        "freezes",
        "longest freeze ms",
    ]
    rows = [
        [
            one.blow,
            one.takeover,
            one.promotions,
            one.latest_part,
            one.gap_parts,
            one.stalls,
            one.freezes,
            one.longest_freeze,
        ]
        for one in rounds
    ]
    print(report.table("A worker is struck while a viewer watches", columns, rows))
    numbers = [dict(zip(columns, row, strict=True)) for row in rows]
    print(report.save("takeover", {"rendition": RENDITION, "standby": given.partner, "rounds": numbers}))


if __name__ == "__main__":
    main()
