"""Viewer join: from opening the page, and from starting the player, to the first frame.

python -m bench.join [--times 15] [--size 1280x720]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from playwright.sync_api import Browser

from bench import report
from bench.browser import AUTOPLAY, launched, until
from bench.encoder import ClockEncoder, Picture, by_rtmp
from bench.rig import Rig

PROBE = """
(() => {
  // The player begins with its first request for the multivariant playlist.
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name.endsWith("/manifest.m3u8")) window.playerStart ??= entry.startTime;
    }
  }).observe({ type: "resource", buffered: true });
  const look = () => {
    const video = document.querySelector("video");
    if (video) {
      video.requestVideoFrameCallback((now) => (window.firstFrame = now));
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
})();
"""


def join(browser: Browser, url: str) -> tuple[float, float]:
    """Opens the page with nothing cached; ms from navigation and from the player's start to the first frame."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        context.add_init_script(PROBE)
        page = context.new_page()
        page.goto(url, wait_until="commit")
        until(page, "window.firstFrame && window.playerStart", seconds=15)
        first, start = page.evaluate("[window.firstFrame, window.playerStart]")
        return first, first - start
    finally:
        context.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.join", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--size", default="1280x720")
    given = parser.parse_args(arguments)
    width, height = map(int, given.size.split("x"))
    with Rig() as rig, launched(AUTOPLAY) as browser:
        streamer = rig.streamer("join")
        with ClockEncoder(Picture(width=width, height=height, bitrate=3_500_000), by_rtmp(streamer.publish_url)):
            rig.broadcast_of("join")
            join(browser, f"{rig.url}/join")  # the first one warms the server's caches and Chromium's own code
            joins = [join(browser, f"{rig.url}/join") for _ in range(given.times)]
    navigation, player = ([pair[which] for pair in joins] for which in (0, 1))
    rows = [
        [name, round(report.median(values)), round(report.percentile(values, 0.95)), round(max(values))]
        for name, values in (("navigation to first frame", navigation), ("player start to first frame", player))
    ]
    print(
        report.table(f"Viewer join, {given.times} times, {given.size}", ["", "median ms", "p95 ms", "worst ms"], rows)
    )
    print(report.save("join", {"navigation_ms": navigation, "player_ms": player, "size": given.size}))


if __name__ == "__main__":
    main()
