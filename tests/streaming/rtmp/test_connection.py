from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv import amf0
from streaming.flv.tag import Tag, TagType
from streaming.rtmp.chunk import ChunkWriter
from streaming.rtmp.connection import MAX_TEXT, WINDOW, ServerConnection, State
from streaming.rtmp.errors import ChunkError, MessageError, RtmpError
from streaming.rtmp.events import Connected, Metadata, PublishRequested, Unpublished
from streaming.rtmp.message import (
    Message,
    MessageType,
    UserControl,
    acknowledgement,
    parse_uint32,
    user_control,
)

from .client import Client

RANDOM = bytes(1528)
VIDEO = Tag(TagType.VIDEO, 0, b"\x17\x00")


class Pair:
    """A client and a server connection, joined."""

    def __init__(self) -> None:
        self.client = Client()
        self.server = ServerConnection(RANDOM)
        self.say(self.client.hello() + self.client.echo())

    def say(self, data: bytes) -> list[object]:
        events: list[object] = list(self.server.receive_data(data))
        self.client.receive(self.server.data_to_send())
        return events

    def connected(self) -> Pair:
        self.say(self.client.connect())
        return self

    def publishing(self) -> Pair:
        self.connected().say(self.client.publish("key"))
        self.server.accept_publish()
        self.say(b"")
        return self

    def results(self) -> dict[float, amf0.Value]:
        calls = [call for call in self.client.commands() if call.name == "_result"]
        return {call.transaction: call.argument(1) for call in calls}


def test_connect_is_answered_with_limits_and_success() -> None:
    pair = Pair()
    assert pair.say(pair.client.connect()) == [Connected("live", "FMLE/3.0")]
    types = [message.type for message in pair.client.messages]
    assert types == [MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, MessageType.SET_PEER_BANDWIDTH, MessageType.COMMAND_AMF0]
    information = pair.results()[1]
    assert isinstance(information, dict)
    assert information["code"] == "NetConnection.Connect.Success"
    assert "fourCcList" not in information


def test_enhanced_rtmp_is_answered_where_it_was_offered() -> None:
    pair = Pair()
    pair.say(pair.client.connect(fourCcList=["av01", "hvc1"]))
    information = pair.results()[1]
    assert isinstance(information, dict)
    assert information["fourCcList"] == ["avc1", "hvc1", "av01", "mp4a"]
    assert information["videoFourCcInfoMap"] == {"avc1": 4, "hvc1": 4, "av01": 4}


def test_a_trailing_slash_on_the_application_does_not_matter() -> None:
    pair = Pair()
    assert pair.say(pair.client.connect("live/")) == [Connected("live", "FMLE/3.0")]


def test_another_application_is_rejected_with_a_sentence() -> None:
    pair = Pair()
    assert pair.say(pair.client.connect("studio")) == []
    ((code, sentence),) = pair.client.statuses()
    assert code == "NetConnection.Connect.InvalidApp"
    assert "/live" in sentence
    assert pair.server.state is State.CLOSED


def test_publish_asks_the_owner_and_starts_when_accepted() -> None:
    pair = Pair().connected()
    (asked,) = pair.say(pair.client.publish("key"))
    assert asked == PublishRequested("key")
    assert pair.client.statuses() == []
    pair.server.accept_publish()
    pair.say(b"")
    assert pair.client.statuses() == [("NetStream.Publish.Start", "You are live.")]
    assert pair.results()[4] == 1


def test_a_key_never_shows_in_a_repr() -> None:
    assert "secret" not in repr(PublishRequested("secret"))


def test_parameters_behind_the_key_are_cut_off() -> None:
    pair = Pair().connected()
    assert pair.say(pair.client.publish("key?bandwidthtest=true")) == [PublishRequested("key")]


def test_a_missing_key_is_refused() -> None:
    pair = Pair().connected()
    assert pair.say(pair.client.publish("")) == []
    assert pair.client.statuses() == [("NetStream.Publish.BadName", "The stream key is missing.")]


def test_a_refusal_says_why_and_ignores_what_follows() -> None:
    pair = Pair().connected()
    pair.say(pair.client.publish("key"))
    pair.server.refuse_publish("This key is revoked.")
    assert pair.say(pair.client.tag(VIDEO)) == []
    assert pair.client.statuses() == [("NetStream.Publish.BadName", "This key is revoked.")]


def test_media_comes_as_tags() -> None:
    pair = Pair().publishing()
    tags = [VIDEO, Tag(TagType.AUDIO, 5, b"\xaf\x00\x11\x90")]
    assert pair.say(b"".join(map(pair.client.tag, tags))) == tags


def test_media_sent_before_the_answer_is_kept() -> None:
    pair = Pair().connected()
    assert pair.say(pair.client.publish("key") + pair.client.tag(VIDEO)) == [PublishRequested("key"), VIDEO]


def test_media_without_publishing_is_ignored() -> None:
    pair = Pair().connected()
    assert pair.say(pair.client.tag(VIDEO)) == []


def test_timestamps_are_unwrapped_to_64_bits() -> None:
    pair = Pair().publishing()
    stamps = [0xFFFFFFF0, 0xFFFFFFFF + 5, 0xFFFFFFFF - 3, 0xFFFFFFFF + 40]
    tags = [Tag(TagType.VIDEO, stamp, b"\x27") for stamp in stamps]
    assert pair.say(b"".join(map(pair.client.tag, tags))) == tags


def test_metadata_comes_with_its_values() -> None:
    pair = Pair().publishing()
    (metadata,) = pair.say(pair.client.metadata(width=1280, encoder="obs"))
    assert metadata == Metadata({"width": 1280.0, "encoder": "obs"})


def test_unpublishing_is_told_once_and_publishing_again_works() -> None:
    pair = Pair().publishing()
    assert pair.say(pair.client.unpublish("key")) == [Unpublished()]
    assert pair.say(pair.client.publish("key")) == [PublishRequested("key")]


def test_playing_is_refused_with_a_sentence() -> None:
    pair = Pair().connected()
    pair.say(pair.client.call("play", 0, None, "key", stream=1))
    ((code, sentence),) = pair.client.statuses()
    assert code == "NetStream.Play.Failed"
    assert "browser" in sentence


def test_unknown_commands_get_an_error_and_bandwidth_checks_none() -> None:
    pair = Pair().connected()
    pair.say(pair.client.call("getStreamLength", 9, None) + pair.client.call("_checkbw", 10, None))
    assert [code for code, _ in pair.client.statuses()] == ["NetConnection.Call.Failed"]


def test_a_ping_is_answered() -> None:
    pair = Pair().connected()
    pair.say(ChunkWriter().write(2, user_control(UserControl.PING_REQUEST, b"ping")))
    assert pair.client.messages[-1] == user_control(UserControl.PING_RESPONSE, b"ping")


def test_buffer_lengths_and_acknowledgements_are_heard_without_an_answer() -> None:
    pair = Pair().connected()
    heard = len(pair.client.messages)
    length = user_control(UserControl.SET_BUFFER_LENGTH, bytes((0, 0, 0, 1, 0, 0, 3, 232)))
    assert pair.say(pair.client.writer.write(2, length) + pair.client.writer.write(2, acknowledgement(5000))) == []
    assert len(pair.client.messages) == heard


def test_a_window_of_bytes_is_acknowledged() -> None:
    pair = Pair().publishing()
    body = b"\x27" + bytes(WINDOW)
    pair.say(pair.client.tag(Tag(TagType.VIDEO, 0, body)))
    acknowledged = pair.client.messages[-1]
    assert acknowledged.type == MessageType.ACKNOWLEDGEMENT
    assert parse_uint32(acknowledged) == pair.server.received


def test_the_clients_window_is_obeyed() -> None:
    pair = Pair().publishing()
    size = Message(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, (5000).to_bytes(4, "big"))
    pair.say(pair.client.writer.write(2, size))
    pair.say(pair.client.tag(Tag(TagType.VIDEO, 0, bytes(6000))))
    assert pair.client.messages[-1].type == MessageType.ACKNOWLEDGEMENT


def test_long_messages_come_only_once_publishing_was_asked_for() -> None:
    pair = Pair().connected()
    with pytest.raises(ChunkError):
        pair.say(pair.client.tag(Tag(TagType.VIDEO, 0, bytes(MAX_TEXT + 1))))


def test_long_metadata_is_refused() -> None:
    pair = Pair().publishing()
    with pytest.raises(MessageError):
        pair.say(pair.client.metadata(text="x" * MAX_TEXT))


@pytest.mark.parametrize("name", ["createStream", "publish", "FCPublish", "deleteStream"])
def test_nothing_comes_before_connect(name: str) -> None:
    pair = Pair()
    with pytest.raises(MessageError, match="before connect"):
        pair.say(pair.client.call(name, 2, None, "key"))


def test_connecting_or_publishing_twice_is_refused() -> None:
    pair = Pair().publishing()
    with pytest.raises(MessageError, match="publishes twice"):
        pair.say(pair.client.call("publish", 5, None, "key", "live", stream=1))
    pair = Pair().connected()
    with pytest.raises(MessageError, match="connects twice"):
        pair.say(pair.client.connect())


def conversation() -> bytes:
    client = Client()
    return (
        client.hello() + client.echo() + client.connect() + client.chunk_size(65_536) + client.publish("key")
        + client.metadata(width=1280) + client.tag(VIDEO) + client.tag(Tag(TagType.AUDIO, 3, b"\xaf\x01"))
        + client.unpublish("key")
    )  # fmt: skip


def test_a_conversation_cut_at_every_byte_means_the_same() -> None:
    data = conversation()
    whole = ServerConnection(RANDOM)
    events = whole.receive_data(data)
    said = whole.data_to_send()
    assert len(events) == 6
    for cut in (*range(1, 4, 1), *range(3073, len(data))):
        parts = ServerConnection(RANDOM)
        assert parts.receive_data(data[:cut]) + parts.receive_data(data[cut:]) == events
        assert parts.data_to_send() == said


@given(st.data())
def test_a_damaged_conversation_gives_events_or_an_rtmp_error(data: st.DataObject) -> None:
    damaged = bytearray(conversation())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(3073, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RtmpError):
        ServerConnection(RANDOM).receive_data(bytes(damaged))
