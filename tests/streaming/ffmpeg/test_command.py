"""Argument lists: what must be in them, and what never may."""

from __future__ import annotations

from streaming.ffmpeg.command import Branch, VideoEncoder, ladder_command, still_command
from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, Rendition

RUNGS = ladder(Rendition(SOURCE, "avc1.64002A", 0, VIDEO_TIMESCALE, 1920, 1080, 59_940))


def argv(*branches: Branch) -> list[str]:
    return ladder_command("ffmpeg", branches)


def after(command: list[str], option: str) -> list[str]:
    return [command[at + 1] for at, word in enumerate(command) if word == option]


def test_the_input_is_untrusted() -> None:
    for command in (argv(Branch(RUNGS[0], 5)), still_command("ffmpeg", width=640)):
        before_input = command[: command.index("-i")]
        assert after(before_input, "-f") == ["flv"]
        assert after(before_input, "-protocol_whitelist") == ["pipe"]


def test_each_branch_has_its_pipe_and_settings() -> None:
    command = argv(Branch(RUNGS[0], 5), Branch(RUNGS[-1], 6))
    assert [word for word in command if word.startswith("pipe:")] == ["pipe:0", "pipe:5", "pipe:6"]
    assert after(command, "-b:v") == ["4500000", "300000"]
    assert after(command, "-level") == ["3.2", "1.2"]
    assert after(command, "-x264-params")[1] == "fps=29970/1000:keyint=infinite:scenecut=0"


def test_only_slow_rungs_drop_frames() -> None:
    (graph,) = after(argv(Branch(RUNGS[0], 5)), "-filter_complex")
    assert "select" not in graph
    (graph,) = after(argv(Branch(RUNGS[-1], 5)), "-filter_complex")
    assert "select=key+gte(n-prev_selected_n\\,2)" in graph


def test_a_takeover_leaves_out_what_came_before_it() -> None:
    (graph,) = after(argv(Branch(RUNGS[0], 5), Branch(RUNGS[-1], 6, start_ms=1_400)), "-filter_complex")
    assert graph.count("trim=start_pts=1400") == 1
    # Frames are counted from the segment's start, whoever encodes them, so the choice of every second comes first.
    assert graph.index("select") < graph.index("trim")


def test_nvenc_has_low_latency_no_b_frames_and_idrs_where_the_source_has_them() -> None:
    command = ladder_command("ffmpeg", [Branch(RUNGS[0], 5), Branch(RUNGS[-1], 6)], VideoEncoder.NVENC)
    for option, value in {
        "-c:v": "h264_nvenc",
        "-preset": "p4",
        "-tune": "ll",
        "-rc": "cbr",
        "-bf": "0",
        "-forced-idr": "1",
        "-force_key_frames": "source",
        "-fps_mode": "passthrough",
        "-enc_time_base:v": "1:90000",
    }.items():
        assert after(command, option) == [value, value]
    assert not after(command, "-x264-params")
    (graph,) = after(command, "-filter_complex")
    assert graph.index("hwupload_cuda") < graph.index("split")
    assert graph.count("scale_cuda=") == 2


def test_nvenc_is_told_the_rate_for_the_frames_that_the_source_declares() -> None:
    command = ladder_command("ffmpeg", [Branch(RUNGS[0], 5), Branch(RUNGS[-1], 6)], VideoEncoder.NVENC)
    assert after(command, "-b:v") == ["4500000", "600000"]
    assert [rung.every for rung in (RUNGS[0], RUNGS[-1])] == [1, 2]
