"""Glass to glass: from a frame handed to the encoder to the same frame shown by a browser, on this machine.

    python -m bench.glass [--minutes 5] [--sizes 640x360,1280x720]

For each size: an encoder with a clock in its picture, the whole installation, headless Chromium on the watch page. The
source is watched for the given minutes, a ladder rendition for half of them, then renditions are switched.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Page

from bench import report
from bench.browser import AUTOPLAY, choose_quality, launched, qualities, until
from bench.encoder import ClockEncoder, Picture, by_rtmp
from bench.rig import Rig

CLOCK = Path(__file__).with_name("clock.js").read_text()
SETTLE_SECONDS = 12
"""After a start or a switch the player still catches up; the latency of its steady state is what is measured."""
FREEZE_MS = 250
"""A gap between shown frames from here on is seen as a freeze."""
SWITCHES = 8
BITRATES = {"640x360": 1_200_000, "1280x720": 3_500_000}


@dataclass(frozen=True, slots=True)
class Watched:
    """One rendition watched for a while; times in seconds, `longest_gap` between two shown frames in ms."""

    size: str
    rendition: str
    seconds: float
    frames: int
    median: float
    p95: float
    worst: float
    freezes: int
    longest_gap: int
    unreadable: int


def drain(page: Page) -> tuple[list[tuple[float, float, int, float]], int]:
    """Takes the frames that `clock.js` collected so far, and how many it could not read."""
    taken = page.evaluate("(() => { const g = window.glass; window.glass = {frames: [], unreadable: 0}; return g })()")
    return [tuple(frame) for frame in taken["frames"]], taken["unreadable"]


def watch(page: Page, *, size: str, rendition: str, seconds: float) -> Watched:
    page.wait_for_timeout(SETTLE_SECONDS * 1000)
    drain(page)
    page.wait_for_timeout(seconds * 1000)
    frames, unreadable = drain(page)
    if not frames:
        raise RuntimeError(
            f"{size} {rendition}: no frame with a readable clock in {seconds:.0f} s, {unreadable} without"
        )
    latencies = [behind / 1000 for _, behind, _, _ in frames]
    gaps = [gap for _, _, _, gap in frames]
    return Watched(
        size=size,
        rendition=rendition,
        seconds=seconds,
        frames=len(frames),
        median=round(report.median(latencies), 3),
        p95=round(report.percentile(latencies, 0.95), 3),
        worst=round(max(latencies), 3),
        freezes=sum(gap > FREEZE_MS for gap in gaps),
        longest_gap=round(max(gaps)),
        unreadable=unreadable,
    )


def switch(page: Page, names: Sequence[str], widths: dict[str, int]) -> list[int]:
    """Goes back and forth between two renditions; the longest gap between shown frames around each switch, in ms."""
    longest = []
    for turn in range(SWITCHES):
        name = names[turn % 2]
        drain(page)
        choose_quality(page, name)
        until(page, f"window.glass.frames.some(frame => frame[2] === {widths[name]})", seconds=15)
        page.wait_for_timeout(2_500)
        frames, _ = drain(page)
        longest.append(round(max(gap for _, _, _, gap in frames)))
    return longest


def measure(picture: Picture, *, minutes: float) -> tuple[list[Watched], list[int]]:
    with Rig({"DEVICES": "cpu"}) as rig, launched(AUTOPLAY) as browser:
        streamer = rig.streamer("glass")
        with ClockEncoder(picture, by_rtmp(streamer.publish_url)):
            rig.broadcast_of("glass")
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{rig.url}/glass")
            until(page, "document.querySelector('[data-player]').dataset.state === 'live'")
            page.evaluate(CLOCK)
            until(page, "window.glass.frames.length > 30")
            rung = next(name for name in qualities(page) if name not in {"auto", "source", "audio"})
            widths = {"source": picture.width}
            choose_quality(page, "source")
            results = [watch(page, size=picture.name, rendition="source", seconds=minutes * 60)]
            choose_quality(page, rung)
            until(page, f"document.querySelector('video').videoWidth !== {picture.width}", seconds=15)
            widths[rung] = page.evaluate("document.querySelector('video').videoWidth")
            results.append(watch(page, size=picture.name, rendition=rung, seconds=minutes * 30))
            return results, switch(page, ["source", rung], widths)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.glass", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long the source is watched")
    parser.add_argument("--sizes", default="640x360,1280x720")
    given = parser.parse_args(arguments)
    watched: list[Watched] = []
    switches: dict[str, list[int]] = {}
    for size in given.sizes.split(","):
        width, height = map(int, size.split("x"))
        results, gaps = measure(
            Picture(width=width, height=height, bitrate=BITRATES.get(size, 3_000_000)), minutes=given.minutes
        )
        watched += results
        switches[size] = gaps
    columns = ["picture", "rendition", "watched s", "median s", "p95 s", "worst s", "freezes", "longest gap ms"]
    rows = [
        [w.size, w.rendition, round(w.seconds), w.median, w.p95, w.worst, w.freezes, w.longest_gap] for w in watched
    ]
    print(report.table("Glass to glass", columns, rows))
    print(
        report.table(
            "Switching renditions: longest gap between shown frames, ms",
            ["picture", "switches", "gaps"],
            [[size, len(gaps), " ".join(map(str, gaps))] for size, gaps in switches.items()],
        )
    )
    print(report.save("glass", {"watched": [asdict(w) for w in watched], "switch_gaps_ms": switches}))


if __name__ == "__main__":
    main()
