"""What becomes of a broadcast while encoders come, drop, return and compete."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from streaming import services
from streaming.bus import events, layout, publication, reading
from streaming.bus.layout import Call, nothing
from streaming.flv.tag import TagType
from streaming.media import AUDIO, SOURCE, BroadcastState
from streaming.models import Channel

from .clips import moved, tags, until
from .conftest import GRACE, PATIENCE, Ingest
from .encoder import Encoder

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "NetStream.Publish.Start"
REFUSED = "NetStream.Publish.BadName"


async def go_live(ingest: Ingest, key: str) -> tuple[Encoder, str]:
    """An encoder that sent 5 s, of which two segments have closed, and its broadcast."""
    encoder = await ingest.live(key)
    await encoder.tags(tags())
    return encoder, await ingest.opens(2)


async def test_media_reaches_the_bus(ingest: Ingest, key: str) -> None:
    encoder = await ingest.live(key)
    await encoder.tags(tags())
    broadcast = await ingest.hears(events.BroadcastStarted)
    await ingest.opens(2)
    description = await ingest.description(broadcast)
    names = [rendition.name for rendition in description.renditions]
    assert (description.state, description.target_duration) == (BroadcastState.LIVE, 2)
    assert (names[0], names[-1]) == (SOURCE, AUDIO)
    source = description.renditions[0]
    assert (source.width, source.height, source.frame_rate) == (320, 180, 30_000)
    assert source.codecs.startswith("avc1.")
    for rendition in (SOURCE, AUDIO):
        chunks = await ingest.chunks(broadcast, rendition)
        assert chunks[0].msn == 0
        for before, after in itertools.pairwise(chunks):
            assert after.dts == before.dts + before.duration
        assert await ingest.valkey.run(reading.init_section(broadcast, rendition, chunks[0].init))


async def test_the_bus_knows_a_partner_from_the_encoder_s_connecting_on(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    assert not (await ingest.description(broadcast)).partner
    await database_sync_to_async(Channel.objects.update)(partner=True)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    await (await ingest.live(key)).tags(tags())
    await ingest.hears(events.BroadcastResumed)
    assert (await ingest.description(broadcast)).partner


async def test_bandwidth_is_above_the_busiest_segment(ingest: Ingest, key: str) -> None:
    _, broadcast = await go_live(ingest, key)
    bandwidth = (await ingest.description(broadcast)).renditions[0].bandwidth
    chunks = await ingest.chunks(broadcast, SOURCE)
    for msn in (0, 1):
        segment = [chunk for chunk in chunks if chunk.msn == msn]
        rate = 8 * 90_000 * sum(len(chunk.data) for chunk in segment) / sum(chunk.duration for chunk in segment)
        assert rate <= bandwidth <= 1.5 * rate


async def test_a_drop_keeps_the_broadcast_reconnecting(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.close()
    assert await ingest.hears(events.BroadcastReconnecting) == broadcast
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.RECONNECTING
    assert (await ingest.description(broadcast)).state is BroadcastState.RECONNECTING


async def test_stopping_keeps_it_too(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.stop(key)
    assert await ingest.hears(events.BroadcastReconnecting) == broadcast


async def test_publishing_again_on_the_same_connection_goes_on(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.send(encoder.client.unpublish(key))
    assert await ingest.hears(events.BroadcastReconnecting) == broadcast
    await encoder.send(encoder.client.publish(key))
    await encoder.tags(tags())
    assert await ingest.hears(events.BroadcastResumed) == broadcast


async def test_an_encoder_that_returns_goes_on_with_the_broadcast(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    before = {name: await ingest.chunks(broadcast, name) for name in (SOURCE, AUDIO)}

    again = await ingest.live(key)
    await again.tags(tags())
    assert await ingest.hears(events.BroadcastResumed) == broadcast
    last = max(chunk.msn for chunks in before.values() for chunk in chunks)
    await ingest.opens(last + 2)
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.LIVE
    assert (await ingest.description(broadcast)).state is BroadcastState.LIVE
    for name, old in before.items():
        new = (await ingest.chunks(broadcast, name))[len(old) :]
        assert new[0].msn == last + 1
        assert new[0].discontinuity == old[-1].discontinuity + 1
        assert new[0].independent
        assert new[0].dts >= old[-1].dts + old[-1].duration
        # the timeline keeps step with the wall clock
        passed = new[0].wall_ms - old[-1].wall_ms
        timescale = 90_000 if name == SOURCE else 48_000
        assert abs((new[0].dts - old[-1].dts) * 1000 / timescale - passed) <= 2
        assert await ingest.valkey.run(reading.init_section(broadcast, name, new[0].init))


async def test_it_returns_in_another_format(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    old = (await ingest.chunks(broadcast, SOURCE))[-1]
    again = await ingest.live(key)
    await again.tags(tags("h264", "-s", "640x360", rate=44_100))
    await ingest.opens(old.msn + 2)
    description = await ingest.description(broadcast)
    source, audio = description.renditions[0], description.renditions[-1]
    # a rendition counts in one timescale for its life
    assert (source.width, source.height, audio.timescale) == (640, 360, 48_000)
    for name in (SOURCE, AUDIO):
        inits = [chunk.init for chunk in await ingest.chunks(broadcast, name)]
        assert (inits[0], inits[-1]) == (0, 1)


async def test_nobody_returning_ends_it(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    ingest.time.moved += GRACE - 1
    await ingest.reconnections.tick()
    assert (await ingest.broadcast(broadcast)).is_open
    assert broadcast in await ingest.valkey.run(reading.leases())
    ingest.time.moved += 2
    await ingest.reconnections.tick()
    assert await ingest.hears(events.BroadcastHasEnded) == broadcast
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.ENDED
    assert broadcast not in await ingest.valkey.run(reading.leases())


async def test_who_returned_is_not_ended_by_the_old_grace(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    await ingest.live(key)
    ingest.time.moved += GRACE + 1
    await ingest.reconnections.tick()
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.LIVE


async def test_a_second_encoder_is_refused_while_the_first_delivers(ingest: Ingest, key: str) -> None:
    first, broadcast = await go_live(ingest, key)
    second = await ingest.connect()
    assert await second.publish(key) == REFUSED
    assert "already live" in second.client.statuses()[0][1]
    await second.ended()
    assert [str(found.pk) for found in await ingest.broadcasts()] == [broadcast]
    await first.tags(moved(tags(), 5_000))
    await ingest.opens(4)


async def test_a_full_bus_lets_encoders_return_and_nobody_begin(ingest: Ingest, key: str) -> None:
    bound = (await ingest.valkey.run(Call(("CONFIG", "GET", "maxmemory"), list)))[1]
    encoder, broadcast = await go_live(ingest, key)
    await ingest.valkey.run(Call(("CONFIG", "SET", "maxmemory", "1"), nothing))
    try:
        await encoder.close()
        await ingest.hears(events.BroadcastReconnecting)
        again = await ingest.live(key)
        await again.tags(tags())
        assert await ingest.hears(events.BroadcastResumed) == broadcast
        await ingest.valkey.run(publication.end(broadcast))
        found = await ingest.broadcast(broadcast)
        end = database_sync_to_async(services.end_broadcast)
        await end(broadcast_id=found.pk, now=timezone.now(), publish=lambda _: None)
        refused = await ingest.connect()
        assert await refused.publish(key) == REFUSED
        assert "as many broadcasts" in refused.client.statuses()[0][1]
    finally:
        await ingest.valkey.run(Call(("CONFIG", "SET", "maxmemory", bound), nothing))


async def test_who_is_refused_leaves_a_waiting_broadcast_alone(ingest: Ingest, key: str) -> None:
    _, broadcast = await go_live(ingest, key)
    before = await ingest.broadcast(broadcast)
    mark = database_sync_to_async(services.mark_reconnecting)
    assert await mark(broadcast_id=before.pk, ingest=before.ingest, now=timezone.now())
    second = await ingest.connect()
    assert await second.publish(key) == REFUSED
    after = await ingest.broadcast(broadcast)
    assert (after.state, after.ingest) == (BroadcastState.RECONNECTING, before.ingest)


async def test_an_encoder_that_pauses_keeps_its_seat(ingest: Ingest, key: str) -> None:
    _, broadcast = await go_live(ingest, key)
    publisher = layout.key(broadcast, "publisher")
    for since in ("media_ms", "renewed_ms"):
        await ingest.valkey.run(Call(("HINCRBY", publisher, since, -2 * publication.GONE_MS), nothing))
    renewed = Call(("HGET", publisher, "renewed_ms"), int)
    before = await ingest.valkey.run(renewed)
    async with asyncio.timeout(PATIENCE):
        while await ingest.valkey.run(renewed) < before + 2 * publication.GONE_MS:
            pass
    assert await (await ingest.connect()).publish(key) == REFUSED


async def test_a_silent_encoder_is_taken_over(ingest: Ingest, key: str) -> None:
    first, broadcast = await go_live(ingest, key)
    ingest.door._quiet_ms = 300
    async with asyncio.timeout(10):
        while await (second := await ingest.connect()).publish(key) != LIVE:
            await second.ended()
            await second.close()  # else the server waits for it, and an address has a bounded number of connections
    await second.tags(tags())
    assert await ingest.hears(events.BroadcastResumed) == broadcast
    assert "taken over" in (await first.status(2))[1]
    await first.ended()
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.LIVE


async def test_an_administrators_end_reaches_the_encoder(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    end = database_sync_to_async(services.end_broadcast)
    found = await ingest.broadcast(broadcast)
    assert await end(broadcast_id=found.pk, now=timezone.now(), publish=lambda _: None)
    await ingest.valkey.run(publication.end(broadcast))
    assert await encoder.status(2) == (REFUSED, "This broadcast was ended.")
    await encoder.ended()
    another = await ingest.live(key)
    await another.tags(until(tags(), 1_000))
    assert await ingest.hears(events.BroadcastStarted, lambda event: event.broadcast != broadcast)


async def test_rotating_the_key_ends_nothing_until_the_encoder_leaves(
    ingest: Ingest, key: str, channel: Channel
) -> None:
    encoder, broadcast = await go_live(ingest, key)
    _, new = await database_sync_to_async(services.issue_key)(channel_id=channel.pk, now=timezone.now())
    await encoder.tags(moved(tags(), 5_000))
    await ingest.opens(4)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    refused = await ingest.connect()
    assert await refused.publish(key) == REFUSED
    assert "replaced" in refused.client.statuses()[0][1]
    await ingest.live(new)
    assert [str(found.pk) for found in await ingest.broadcasts()] == [broadcast]


async def test_of_racing_encoders_one_is_live(ingest: Ingest, key: str) -> None:
    for attempt in range(100):
        pair = [await ingest.connect() for _ in range(2)]
        codes = await asyncio.gather(*(encoder.publish(key) for encoder in pair))
        assert sorted(codes) == [REFUSED, LIVE], attempt
        assert len([found for found in await ingest.broadcasts() if found.is_open]) == 1
        for encoder in pair:
            await encoder.close()


async def test_an_encoder_without_media_is_let_go(ingest: Ingest, key: str) -> None:
    encoder = await ingest.live(key)
    ingest.time.moved += 11
    assert "No picture and no sound" in (await encoder.status(2))[1]


async def test_broken_media_is_refused_with_a_sentence(ingest: Ingest, key: str) -> None:
    encoder = await ingest.live(key)
    sent = tags()
    await encoder.tags([sent[0], sent[1], *(tag for tag in sent if len(tag.body) > 200)][:2])
    broken = max(sent, key=lambda tag: len(tag.body))
    await encoder.send(encoder.client.tag(type(broken)(broken.type, 40, broken.body[:-3])))
    assert "broken media" in (await encoder.status(2))[1]


async def test_a_codec_that_is_not_carried_is_refused_by_name(ingest: Ingest, key: str) -> None:
    encoder = await ingest.live(key)
    sent = tags()[0]
    await encoder.send(encoder.client.tag(type(sent)(sent.type, 0, b"\x22\x00\x00")))
    assert "Sorenson" in (await encoder.status(2))[1]


async def test_a_broadcast_nobody_has_seen_ends_with_its_encoder(ingest: Ingest, key: str) -> None:
    encoder = await ingest.live(key)
    await encoder.close()
    broadcast = await ingest.hears(events.BroadcastHasEnded)
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.ENDED


async def test_one_that_returned_without_media_waits_on(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    for _ in range(2):
        await encoder.close()
        assert await ingest.hears(events.BroadcastReconnecting) == broadcast
        encoder = await ingest.live(key)
    await encoder.close()
    assert await ingest.hears(events.BroadcastReconnecting) == broadcast
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.RECONNECTING


async def test_a_picture_without_keyframes_is_let_go(ingest: Ingest, key: str) -> None:
    encoder, _ = await go_live(ingest, key)
    sound = next(tag for tag in tags() if tag.type is TagType.AUDIO and tag.timestamp > 0)
    ingest.time.moved += 61
    await encoder.tags(moved((sound,), 5_000))
    assert "No keyframe came" in (await encoder.status(2))[1]
