"""What the API takes and answers. Names are camelCase on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict, field_validator
from pydantic.alias_generators import to_camel

from streaming.models import MAX_TAG, MAX_TAGS, MAX_TITLE, Broadcast, Category, Channel
from streaming.on_air import Watched


class CamelSchema(Schema):
    """snake_case here, camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        """PostgreSQL keeps no NUL and takes none in a question."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("NUL is no character of a text")
        return value


class Failure(CamelSchema):
    """Every error: a code for programs, a sentence for people."""

    code: str
    message: str


class CategoryOut(CamelSchema):
    """A category."""

    name: str
    slug: str

    @classmethod
    def of(cls, category: Category) -> CategoryOut:
        return cls(name=category.name, slug=category.slug)


class StreamOut(CamelSchema):
    """A broadcast, or, with state `offline` and no id, what a channel's next one starts with."""

    id: UUID | None
    channel: str = Field(description="The channel's login.")
    state: str = Field(description="`live`, `reconnecting`, `ended` or `offline`.")
    title: str
    category: CategoryOut | None
    tags: list[str]
    viewers: int = Field(description="Distinct viewers of the last 14 s at most; 0 when ended.")
    started_at: datetime | None
    ended_at: datetime | None
    watch_url: str
    manifest_url: str | None = Field(description="The HLS multivariant playlist, while the broadcast is on.")
    thumbnail_url: str | None = Field(description="A picture at most 30 s old, while the broadcast is on.")

    @classmethod
    def of_broadcast(cls, broadcast: Broadcast, *, viewers: int, site: str) -> StreamOut:
        """`site` is the site's address, as `addresses.site_url` gives it."""
        media = f"{site}/streams/{broadcast.pk}"
        return cls(
            id=broadcast.pk,
            channel=broadcast.channel.login,
            state=broadcast.state,
            title=broadcast.title,
            category=CategoryOut.of(broadcast.category) if broadcast.category else None,
            tags=broadcast.tags,
            viewers=viewers,
            started_at=broadcast.started_at,
            ended_at=broadcast.ended_at,
            watch_url=site + broadcast.channel.get_absolute_url(),
            manifest_url=f"{media}/manifest.m3u8" if broadcast.is_open else None,
            thumbnail_url=f"{media}/thumbnail.jpg" if broadcast.is_open else None,
        )

    @classmethod
    def of_channel(cls, channel: Channel, *, site: str) -> StreamOut:
        return cls(
            id=None,
            channel=channel.login,
            state="offline",
            title=channel.title,
            category=CategoryOut.of(channel.category) if channel.category else None,
            tags=channel.tags,
            viewers=0,
            started_at=None,
            ended_at=None,
            watch_url=site + channel.get_absolute_url(),
            manifest_url=None,
            thumbnail_url=None,
        )


class RenditionOut(CamelSchema):
    """One encoding of a stream that is on."""

    name: str = Field(description="`source`, `720p60`, …, `audio`.")
    width: int
    height: int
    frame_rate: float
    bandwidth: int = Field(description="Its peak, in bit/s.")
    viewers: int = Field(description="Distinct viewers of the last 14 s at most; who has just switched counts in both.")

    @classmethod
    def of(cls, watched: Watched) -> RenditionOut:
        rendition = watched.rendition
        return cls(
            name=rendition.name,
            width=rendition.width,
            height=rendition.height,
            frame_rate=rendition.frame_rate / 1000,
            bandwidth=rendition.bandwidth,
            viewers=watched.viewers,
        )


class StreamDetail(StreamOut):
    """A broadcast with what it is encoded in."""

    renditions: list[RenditionOut] = Field(description="From source down, while the broadcast is on.")


class PageQuery(CamelSchema):
    """Which page of a list."""

    page: int = Field(1, ge=1, le=10_000)
    per_page: int = Field(20, ge=1, le=100)


class Page(CamelSchema):
    """One page of a list: which of how many it is, and of how many entries."""

    total: int
    page: int
    pages: int


class StreamQuery(PageQuery):
    """Which streams to list."""

    live: bool = Field(False, description="Only streams that are on.")
    category: str = Field("", max_length=100, description="Only streams of this category, by its slug.")
    channel: str = Field("", max_length=100, description="Only streams of this channel, by its login.")


class StreamList(Page):
    """One page of streams, the newest first."""

    streams: list[StreamOut]


class StartIn(CamelSchema):
    """What the key's next or current broadcast carries. What is left out stays as it is."""

    stream_key: str = Field(
        "", max_length=200, description="The channel's stream key. It may be left out with an API token."
    )
    title: str | None = Field(None, max_length=MAX_TITLE * 4, description=f"At most {MAX_TITLE} characters.")
    category: str | None = Field(None, max_length=100, description="A category's slug or name; empty for none.")
    tags: list[Annotated[str, Field(max_length=MAX_TAG * 4)]] | None = Field(
        None, max_length=MAX_TAGS * 4, description=f"At most {MAX_TAGS} words of at most {MAX_TAG} characters."
    )
