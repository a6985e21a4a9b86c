"""A simulated day as a picture: two charts over the same hours, drawn with what the site has for pictures anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from workers.simulation.day import HOUR_MS
from workers.simulation.run import Sample

WIDTH, HEIGHT = 1_200, 800
LEFT, RIGHT, TOP, GAP = 90, 30, 50, 90
INK, GRID, PAPER = "#1b1f24", "#dde1e6", "#ffffff"
FULL, RAN, DEVICES = "#9aa4af", "#2f6fde", "#d9622b"


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its legend, its colour and a value per sample."""

    legend: str
    colour: str
    values: Sequence[float]


def plot(samples: Sequence[Sample], file: Path, *, title: str) -> None:
    """Writes a PNG. Raises OSError, and ValueError without samples."""
    if not samples:
        raise ValueError("there is nothing to draw")
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((LEFT, 14), title, INK, font=ImageFont.load_default(20))
    hours = [sample.at_ms / HOUR_MS for sample in samples]
    tall = (HEIGHT - TOP - 2 * GAP) // 2
    cost = [
        Line("whole ladders", FULL, [sample.full / 1e9 for sample in samples]),
        Line("taken", RAN, [sample.ran / 1e9 for sample in samples]),
    ]
    devices = [Line("GPUs", DEVICES, [float(sample.devices) for sample in samples])]
    _chart(draw, TOP + 20, tall, hours, cost, "billion pixels a second")
    _chart(draw, TOP + tall + GAP + 20, tall, hours, devices, "GPUs at work")
    image.save(file, "PNG")


def _chart(
    draw: ImageDraw.ImageDraw, top: int, tall: int, hours: Sequence[float], lines: Sequence[Line], unit: str
) -> None:
    font = ImageFont.load_default(14)
    step = _step(max(max(line.values) for line in lines))
    most = step * max(1, ceil(max(max(line.values) for line in lines) / step))
    last = max(1.0, max(hours))
    across = WIDTH - LEFT - RIGHT

    def point(hour: float, value: float) -> tuple[float, float]:
        return LEFT + across * hour / last, top + tall * (1 - value / most)

    for number in range(round(most / step) + 1):
        y = point(0, number * step)[1]
        draw.line([(LEFT, y), (WIDTH - RIGHT, y)], GRID)
        draw.text((LEFT - 8, y), f"{number * step:g}", INK, font=font, anchor="rm")
    for hour in range(0, int(last) + 1, 3):
        x = point(hour, 0)[0]
        draw.line([(x, top), (x, top + tall)], GRID)
        draw.text((x, top + tall + 6), f"{hour} h", INK, font=font, anchor="mt")
    draw.text((LEFT, top - 6), unit, INK, font=font, anchor="lb")
    for at, line in enumerate(lines):
        draw.line([point(*pair) for pair in zip(hours, line.values, strict=True)], line.colour, width=3)
        draw.text((WIDTH - RIGHT - 150 * at, top - 6), line.legend, line.colour, font=font, anchor="rb")


def _step(most: float) -> float:
    """A round distance between grid lines, about five of them."""
    if most <= 0:
        return 1.0
    rough = most / 5
    scale = 10.0 ** int(log10(rough)) if rough >= 1 else 10.0 ** (int(log10(rough)) - 1)
    return next(factor * scale for factor in (1, 2, 5, 10, 20) if factor * scale >= rough)
