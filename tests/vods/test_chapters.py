"""Chapters and times as WebVTT."""

from __future__ import annotations

from vods.chapters import render_chapters


def test_each_chapter_goes_on_to_the_next_and_the_last_to_the_end() -> None:
    text = render_chapters([(0, "Start"), (65_000, "Boss")], duration_ms=3_700_500)
    assert text == ("WEBVTT\n\n00:00:00.000 --> 00:01:05.000\nStart\n\n00:01:05.000 --> 01:01:40.500\nBoss\n")


def test_a_title_is_text_and_ends_no_cue() -> None:
    text = render_chapters([(0, "a <b> & --> c\n\n00:00 x")], duration_ms=1_000)
    assert text.endswith("\na &lt;b&gt; &amp; --&gt; c 00:00 x\n")


def test_without_chapters_it_is_still_webvtt() -> None:
    assert render_chapters([], duration_ms=5) == "WEBVTT\n"
