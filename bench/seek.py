"""Seeking in a VOD: from the seek to the first frame shown of where it goes, far beyond what is buffered.

    python -m bench.seek [--times 24] [--minutes 5] [--size 1280x720]

The same places are sought in the VOD's MP4 by a bare video element: what Chromium needs by itself.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page

from bench import report
from bench.browser import AUTOPLAY, launched, until
from bench.rig import BASE_DIR, Rig

LOGIN = "seeker"
FAR = 75
"""Seconds: the player keeps 60 of what it has played, and loads up to 60 ahead."""
SEEK = """
(to) => new Promise((resolve, reject) => {
  const video = document.querySelector("video");
  const buffered = [...Array(video.buffered.length).keys()].some(
    (i) => video.buffered.start(i) <= to && to <= video.buffered.end(i));
  const began = performance.now();
  const look = (now, { mediaTime }) => {
    if (Math.abs(mediaTime - to) < 0.5) {
      resolve({ ms: performance.now() - began, buffered });
    } else {
      video.requestVideoFrameCallback(look);
    }
  };
  setTimeout(() => reject(new Error(`no frame of ${to} s`)), 10000);
  video.requestVideoFrameCallback(look);
  video.currentTime = to;
})
"""
PLAYS = "(v => v && !v.paused && v.currentTime > 0.5)(document.querySelector('video'))"


def make(seconds: int, size: str) -> None:
    """In the installation that the environment names: a VOD that plays, with its MP4 to keep. Prints its id."""
    import django

    django.setup()
    from django.db import transaction

    from accounts.models import User
    from streaming import services
    from tests.vods.recorded import packed_clip, record
    from vods.models import AssetKind, Vod
    from vods.steps import Job
    from vods.work.movies import make_videos

    channel = services.create_channel(user=User.objects.create_user(LOGIN), now=datetime.now(UTC))
    with tempfile.TemporaryDirectory() as folder:
        vod = record(channel, packed_clip(Path(folder), seconds=seconds, size=size))
    Vod.objects.filter(pk=vod.pk).update(downloads=True)
    vod.assets.create(kind=AssetKind.MP4)
    with transaction.atomic():
        make_videos(Job(vod.pk)).write()
    print(vod.pk)


def made(rig: Rig, seconds: int, size: str) -> str:
    command = [sys.executable, "-c", f"from bench.seek import make; make({seconds}, {size!r})"]
    done = subprocess.run(command, cwd=BASE_DIR, env=rig.environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()[-1]


def places(count: int, seconds: int) -> list[float]:
    """Where to seek to, each far from the one before."""
    dice = random.Random(1)
    found = [0.0]
    while len(found) <= count:
        place = round(dice.uniform(1, seconds - 5), 2)
        if abs(place - found[-1]) > FAR and all(abs(place - other) > 3 for other in found):
            found.append(place)
    return found[1:]


def seeks(page: Page, where: Sequence[float]) -> list[float]:
    """ms from each seek to its first frame; those to what is buffered are left out."""
    until(page, PLAYS, seconds=20)
    found = []
    for place in where:
        seen = page.evaluate(SEEK, place)
        if not seen["buffered"]:
            found.append(round(seen["ms"], 1))
        page.wait_for_timeout(1_500)  # as long as somebody looks whether this is the place
    return found


def measure(browser: Browser, url: str, where: Sequence[float], *, bare: bool) -> list[float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    if bare:
        page.set_content(f'<video src="{url}" muted autoplay width="854"></video>')
    else:
        page.goto(url)
    try:
        return seeks(page, where)
    finally:
        context.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.seek", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=24)
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--size", default="1280x720")
    given = parser.parse_args(arguments)
    where = places(given.times, given.minutes * 60)
    with Rig() as rig, launched(AUTOPLAY) as browser:
        vod = made(rig, given.minutes * 60, given.size)
        player = measure(browser, f"{rig.url}/videos/{vod}", where, bare=False)
        bare = measure(browser, f"{rig.url}/vods/{vod}/video-0.mp4", where, bare=True)
    rows = [
        [name, len(values), round(report.median(values)), round(report.percentile(values, 0.95)), round(max(values))]
        for name, values in (("the VOD's page", player), ("its MP4 in a bare video element", bare))
    ]
    columns = ["", "seeks", "median ms", "p95 ms", "worst ms"]
    print(report.table(f"Seek to first frame, {given.size}, {given.minutes} min", columns, rows))
    print(f"median beside the bare element: {report.median(player) / report.median(bare):.2f}")
    print(report.save("seek", {"size": given.size, "player_ms": player, "bare_ms": bare}))


if __name__ == "__main__":
    main()
