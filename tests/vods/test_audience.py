"""Distinct viewers of a VOD."""

from __future__ import annotations

from uuid import UUID

import pytest

from vods import audience

VOD = UUID(int=5)
OTHER = UUID(int=6)


@pytest.fixture(autouse=True)
def state(state_url: str) -> None:
    """Nobody has watched."""


def test_a_viewer_counts_once_however_often_the_player_tells() -> None:
    told = [audience.is_new_viewer(VOD, "browser-1", address="192.0.2.1") for _ in range(5)]
    assert told == [True, False, False, False, False]
    assert audience.is_new_viewer(VOD, "browser-2", address="192.0.2.1")
    assert audience.is_new_viewer(OTHER, "browser-1", address="192.0.2.1")


def test_one_address_can_t_invent_any_number_of_viewers() -> None:
    most = audience.IDS_PER_ADDRESS
    counted = sum(audience.is_new_viewer(VOD, f"invented-{n}", address="192.0.2.1") for n in range(most + 20))
    assert most * 0.95 <= counted <= most
    assert audience.is_new_viewer(VOD, "elsewhere", address="192.0.2.2")
