"""Health reports travel as JSON."""

from streaming.health import Health


def test_a_report_comes_back_as_it_went() -> None:
    report = Health(video_bitrate=4_500_000, frame_rate=29.97, video_codec="h264", warnings=("Too slow.",))
    assert Health.unpack(report.pack().encode()) == report


def test_a_report_of_another_version_is_read_as_far_as_known() -> None:
    assert Health.unpack(b'{"frame_rate":30.0,"colour":"blue"}') == Health(frame_rate=30.0)
