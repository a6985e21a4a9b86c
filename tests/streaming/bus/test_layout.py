from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.bus.layout import before, key, pack_description, pack_header, unpack_chunk, unpack_description
from streaming.media import BroadcastState, Chunk, Closes, Description, Rendition
from tests.streaming.bus.chunks import chunk

U32 = st.integers(0, 2**32 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)


@given(
    st.builds(
        Chunk,
        msn=U32,
        part=U32,
        dts=I64,
        duration=U32,
        wall_ms=I64,
        independent=st.booleans(),
        closes=st.sampled_from(Closes),
        discontinuity=U32,
        init=U32,
        data=st.binary(max_size=64),
        gap=st.booleans(),
    )
)
def test_a_chunk_comes_back_as_it_was(chunk: Chunk) -> None:
    assert unpack_chunk(pack_header(chunk), chunk.data) == chunk


@given(st.binary(max_size=80).filter(lambda header: len(header) != 40 or header[0] != 1))
def test_anything_else_is_not_a_header(header: bytes) -> None:
    with pytest.raises(ValueError, match="not a chunk header"):
        unpack_chunk(header, b"")


def test_header_bytes_are_fixed_for_every_version_of_the_code_that_is_running_at_once() -> None:
    packed = pack_header(chunk(7, 2))
    assert packed == bytes([1, 0, 1, 0]) + struct.pack(">IIqIqII", 7, 2, 14_800 * 90, 36_000, 1_700_000_014_800, 0, 7)


def test_a_description_comes_back_as_it_was() -> None:
    description = Description(
        broadcast="b",
        state=BroadcastState.RECONNECTING,
        target_duration=2,
        part_target_ms=400,
        renditions=(
            Rendition("source", "avc1.64001f", 6_000_000, 90_000, 1280, 720, 29_970),
            Rendition("audio", "mp4a.40.2", 128_000, 48_000),
        ),
        partner=True,
    )
    state, facts = pack_description(description)
    assert unpack_description(state.encode(), facts.encode()) == description


def test_a_description_of_an_older_ingest_is_nobody_s_partner() -> None:
    description = Description("b", BroadcastState.LIVE, 2, 400, ())
    state, facts = pack_description(description)
    older = facts.replace(',"partner":false', "")
    assert older != facts
    assert unpack_description(state.encode(), older.encode()) == description


def test_keys_of_a_broadcast_share_its_hash_slot() -> None:
    assert key("b1", "chunks", "720p60") == "{b1}:chunks:720p60"


@pytest.mark.parametrize(
    ("entry", "below"),
    [(b"5-3", b"5-2"), (b"5-0", b"4-18446744073709551615"), (b"0-0", b"0-0")],
)
def test_the_id_below_an_entry(entry: bytes, below: bytes) -> None:
    assert before(entry) == below
