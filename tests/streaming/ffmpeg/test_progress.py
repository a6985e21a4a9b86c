"""ffmpeg's reports about itself."""

from __future__ import annotations

from streaming.ffmpeg.progress import MAX_LINE, ProgressReader

REPORT = b"frame=12\nfps=30.1\nstream_0_0_q=23.0\nstream_1_0_q=19.5\nbitrate=N/A\nprogress=continue\n"


def test_quantisers_are_averaged_until_they_are_asked_for() -> None:
    reader = ProgressReader()
    for at in range(len(REPORT)):
        reader.feed(REPORT[at : at + 1])
    reader.feed(b"stream_0_0_q=25.0 \nstream_1_0_q=-1.0\n")
    assert reader.quantisers() == {0: 24.0, 1: 19.5}
    assert reader.quantisers() == {}


def test_a_line_too_long_is_skipped() -> None:
    reader = ProgressReader()
    reader.feed(b"x" * 2 * MAX_LINE)
    reader.feed(b"stream_0_0_q=1.0\nstream_0_0_q=2.0\n")
    assert reader.quantisers() == {0: 2.0}
