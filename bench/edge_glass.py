"""Glass to glass through the edge, beside the same viewer without it.

    python -m bench.edge_glass [--minutes 1]

One broadcast, the whole installation, HAProxy and Varnish in front of it; headless Chromium watches the source directly
and through the edge in turn, twice each.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from playwright.sync_api import Browser

from bench import report
from bench.browser import AUTOPLAY, choose_quality, launched, until
from bench.encoder import ClockEncoder, Picture, by_rtmp
from bench.glass import CLOCK, Watched, watch
from bench.playback import running
from bench.rig import Rig, free_port
from deploy.edge.programs import Edge, Ports

TURNS = 2
PICTURE = Picture(width=640, height=360, bitrate=1_200_000)


def seen(browser: Browser, url: str, way: str, *, seconds: float) -> Watched:
    """The source, watched for a while at this address."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{url}/glass")
    until(page, "document.querySelector('[data-player]').dataset.state === 'live'")
    page.evaluate(CLOCK)
    until(page, "window.glass.frames.length > 30")
    choose_quality(page, "source")
    found = watch(page, size=PICTURE.name, rendition="source", seconds=seconds)
    context.close()
    return replace(found, rendition=way)


def measure(*, seconds: float) -> list[Watched]:
    with Rig({"DEVICES": "cpu"}) as rig, launched(AUTOPLAY) as browser, contextlib.ExitStack() as stack:
        origin = [f"127.0.0.1:{rig.http_port}"]
        edge = Edge(rig.folder / "edge", Ports(*(free_port() for _ in range(5))), live=origin, pages=origin)
        edge.prepare()
        for program in edge.programs():
            stack.enter_context(running(*program.command, environment=dict(program.env)))
            while not program.ready():
                time.sleep(0.05)
        with ClockEncoder(PICTURE, by_rtmp(rig.streamer("glass").publish_url)):
            rig.broadcast_of("glass")
            ways = (("direct", rig.url), ("edge", edge.url)) * TURNS
            return [seen(browser, url, way, seconds=seconds) for way, url in ways]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.edge_glass", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long each is watched, each time")
    given = parser.parse_args(arguments)
    watched = measure(seconds=given.minutes * 60)
    rows = [[one.rendition, round(one.seconds), one.median, one.p95, one.worst, one.freezes] for one in watched]
    print(report.table("Glass to glass", ["way", "watched s", "median s", "p95 s", "worst s", "freezes"], rows))
    medians = {
        way: report.median([one.median for one in watched if one.rendition == way]) for way in ("direct", "edge")
    }
    more = round(medians["edge"] - medians["direct"], 3)
    print(f"The edge adds {more} s.\n")
    print(report.save("edge_glass", {"watched": [asdict(one) for one in watched], "edge_adds_s": more}))


if __name__ == "__main__":
    main()
