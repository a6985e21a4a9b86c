"""A broadcast out of nothing: a moving test picture with the time of day, and a beep with each second.

The clock is drawn of boxes, as a seven-segment display, so that it needs no font: a fresh machine has none.
"""

from __future__ import annotations

WIDTH, HEIGHT, RATE = 1280, 720, 30
KEYFRAME_SECONDS = 2
FLASH_SECONDS = 0.1

_LONG, _THICK = 56, 14
"""Length and thickness of a segment, in pixels."""
_LEFT, _TOP = 344, 520
_DIGIT_WIDTH, _COLON_WIDTH = 90, 36
# The segments a to g of a display, each with its place (in steps of _LONG) and whether it lies flat, and the digits
# that light it.
_SEGMENTS = (
    (0, 0, True, "0 2 3 5 6 7 8 9"),
    (1, 0, False, "0 1 2 3 4 7 8 9"),
    (1, 1, False, "0 1 3 4 5 6 7 8 9"),
    (0, 2, True, "0 2 3 5 6 8 9"),
    (0, 1, False, "0 2 6 8"),
    (0, 0, False, "0 4 5 6 8 9"),
    (0, 1, True, "2 3 4 5 6 8 9"),
)
_PLACES = ((36_000, 10), (3_600, 10), None, (600, 6), (60, 10), None, (10, 6), (1, 10))
"""HH:MM:SS: the seconds a digit counts, and where it starts again; None is a colon."""


def demo_command(executable: str, url: str, *, seconds_of_day: float) -> list[str]:
    """Broadcasts to an RTMP URL until it is stopped. `seconds_of_day` is what the clock shows at the first frame."""
    flash = f"lt(mod(t+{seconds_of_day:.3f},1),{FLASH_SECONDS})"
    picture = ",".join(
        [
            f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}",
            _box(_LEFT - 40, _TOP - 30, WIDTH - 2 * (_LEFT - 40), 2 * _LONG + _THICK + 60, "black@0.75"),
            _box(40, 40, 120, 120, "white", enable=flash),
            *_clock(seconds_of_day),
            "format=yuv420p",
        ]
    )
    sound = f"aevalsrc='0.25*sin(2*PI*880*t)*{flash}+0.02*sin(2*PI*220*t)':sample_rate=48000"
    return [
        *(executable, "-hide_banner", "-v", "error", "-nostdin"),
        *("-re", "-f", "lavfi", "-i", picture, "-re", "-f", "lavfi", "-i", sound),
        *("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-threads", "2"),
        *("-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k"),
        *("-g", str(KEYFRAME_SECONDS * RATE), "-keyint_min", str(KEYFRAME_SECONDS * RATE), "-sc_threshold", "0"),
        *("-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv", url),
    ]


def _clock(seconds_of_day: float) -> list[str]:
    boxes, x = [], _LEFT
    for place in _PLACES:
        if place is None:
            boxes += [_box(x, _TOP + y, _THICK, _THICK, "white") for y in (_LONG // 2, _LONG + _LONG // 2)]
            x += _COLON_WIDTH
            continue
        seconds, base = place
        digit = f"mod(floor(mod(t+{seconds_of_day:.3f},86400)/{seconds}),{base})"
        for across, down, flat, digits in _SEGMENTS:
            lit = "+".join(f"eq({digit},{one})" for one in digits.split())
            size = (_LONG + _THICK, _THICK) if flat else (_THICK, _LONG + _THICK)
            boxes.append(_box(x + across * _LONG, _TOP + down * _LONG, *size, "white", enable=lit))
        x += _DIGIT_WIDTH
    return boxes


def _box(x: int, y: int, width: int, height: int, color: str, *, enable: str = "") -> str:
    box = f"drawbox=x={x}:y={y}:w={width}:h={height}:color={color}:t=fill"
    return f"{box}:enable='{enable}'" if enable else box
