"""What the API takes and answers about VODs. Names are camelCase on the wire, times in ms from the VOD's start."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ninja import Field

from streaming.api.schemas import CamelSchema, CategoryOut, Page, PageQuery
from streaming.models import MAX_TITLE
from vods.cold import restore_hours
from vods.models import Asset, Clip, ClipState, Visibility, Vod
from vods.models.vod import MAX_DESCRIPTION
from vods.models.watching import MAX_CHAPTER
from vods.services.vods import MAX_CHAPTERS
from vods.showing import Showing


class ChapterOut(CamelSchema):
    """A named part of a VOD, from here to the next chapter."""

    at_ms: int
    title: str


class MarkOut(CamelSchema):
    """A moment that the streamer marked while live."""

    at_ms: int
    text: str


class DownloadOut(CamelSchema):
    """A file to keep."""

    label: str
    url: str
    size: int = Field(description="In bytes.")


class AssetOut(CamelSchema):
    """What is made of a VOD, and how far it is."""

    kind: str = Field(description="`mp4`, `audio`, `storyboard`, `poster`, `preview` or `chat`.")
    state: str = Field(description="`making` or `failed`.")
    progress: int = Field(description="Its share done, 0 to 100.")

    @classmethod
    def of(cls, asset: Asset) -> AssetOut:
        return cls(kind=asset.kind, state=asset.state, progress=asset.progress)


class VodOut(CamelSchema):
    """A broadcast, again, or a highlight cut out of one."""

    id: UUID
    channel: str = Field(description="The channel's login.")
    kind: str = Field(description="`broadcast` or `highlight`.")
    state: str = Field(description="`recording`, `sealing`, `ready` or `failed`.")
    title: str
    category: CategoryOut | None
    visibility: str = Field(description="`public`, `unlisted`, `followers` or `private`.")
    recorded_at: datetime
    duration_ms: int
    views: int = Field(description="Distinct viewers.")
    at_hand: bool = Field(description="It plays at once; false: it is in cold storage, and must be brought back.")
    broadcast: UUID | None = Field(description="The stream it was recorded from.")
    watch_url: str

    @classmethod
    def of(cls, vod: Vod, *, site: str) -> VodOut:
        """Select `channel__user` and `category` along. `site` is the site's address."""
        return cls(
            id=vod.pk,
            channel=vod.channel.login,
            kind=vod.kind,
            state=vod.state,
            title=vod.title,
            category=CategoryOut.of(vod.category) if vod.category else None,
            visibility=vod.visibility,
            recorded_at=vod.recorded_at,
            duration_ms=vod.duration_ms,
            views=vod.views,
            at_hand=vod.at_hand,
            broadcast=vod.broadcast_id,
            watch_url=site + vod.get_absolute_url(),
        )


class VodDetail(VodOut):
    """A VOD with all that plays it. Addresses of media that is not for everybody have a token, which expires."""

    description: str
    manifest_url: str | None = Field(description="The HLS multivariant playlist, once it plays, where it is at hand.")
    poster_url: str | None
    storyboard_url: str | None = Field(description="WebVTT of the seek bar's pictures.")
    preview_url: str | None
    chat_url: str | None = Field(description="What was said, by windows of half a minute; `{n}` is a window's number.")
    downloads: list[DownloadOut] = Field(description="Where the streamer allows it.")
    chapters: list[ChapterOut]
    marks: list[MarkOut]
    resume_ms: int = Field(description="Where the caller left off.")
    making: list[AssetOut] = Field(description="What is not there yet, for the streamer.")
    tier: str = Field(description="Where its media lies: `hot`, `warm`, `cold` or `archive`.")
    coming_back: bool = Field(description="It is being brought back from cold storage.")
    restore_hours: int | None = Field(description="In cold storage: how long that takes; 0 for minutes.")

    @classmethod
    def showing(cls, showing: Showing, *, site: str) -> VodDetail:
        def absolute(path: str) -> str | None:
            return site + path if path else None

        return cls(
            **dict(VodOut.of(showing.vod, site=site)),
            description=showing.vod.description,
            manifest_url=absolute(showing.manifest),
            poster_url=absolute(showing.poster),
            storyboard_url=absolute(showing.storyboard),
            preview_url=absolute(showing.preview),
            chat_url=absolute(showing.chat),
            downloads=[DownloadOut(label=one.label, url=site + one.url, size=one.size) for one in showing.downloads],
            chapters=[ChapterOut(at_ms=one.at_ms, title=one.title) for one in showing.chapters],
            marks=[MarkOut(at_ms=one.at_ms, text=one.text) for one in showing.marks],
            resume_ms=showing.resume_s * 1000,
            making=[AssetOut.of(asset) for asset in showing.progress],
            tier=showing.vod.tier,
            coming_back=showing.vod.comes_back,
            restore_hours=restore_hours(showing.vod) if showing.cold else None,
        )


class VodQuery(PageQuery):
    """Which VODs to list."""

    channel: str = Field("", max_length=100, description="Only VODs of this channel, by its login.")
    category: str = Field("", max_length=100, description="Only VODs of this category, by its slug.")


class VodList(Page):
    """One page of VODs, the newest first."""

    vods: list[VodOut]


class VodChange(CamelSchema):
    """What is to be changed. What is left out stays as it is."""

    title: str | None = Field(None, max_length=MAX_TITLE)
    description: str | None = Field(None, max_length=MAX_DESCRIPTION)
    category: str | None = Field(None, max_length=100, description="A category's slug; empty for none.")
    visibility: Visibility | None = None
    downloads: bool | None = Field(None, description="Whoever may watch may download.")
    kept: bool | None = Field(None, description="Retention does not delete it.")


class ChapterIn(CamelSchema):
    """A chapter."""

    at_ms: int = Field(ge=0)
    title: str = Field(max_length=MAX_CHAPTER)


class ChaptersIn(CamelSchema):
    """All chapters of a VOD."""

    chapters: list[ChapterIn] = Field(max_length=MAX_CHAPTERS)


class WatchingIn(CamelSchema):
    """What a player tells after some seconds, and then each 15 s."""

    viewer: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$", description="An id that the player's browser keeps.")
    at_ms: int = Field(ge=0, le=10**10, description="Where it is; 0 at the end, so that the next visit begins anew.")


class WatchingOut(CamelSchema):
    """How many have watched."""

    views: int


class ClipIn(CamelSchema):
    """What is to be clipped: a range of a VOD (`vodId`, `fromMs`, `toMs`), or of a stream that is on (`streamId`, and
    the times at which it was live, `since` and `until`)."""

    vod_id: UUID | None = None
    from_ms: int = Field(0, ge=0, le=10**10)
    to_ms: int = Field(0, ge=0, le=10**10)
    stream_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    title: str = Field(max_length=MAX_TITLE)


class ClipOut(CamelSchema):
    """A moment of a VOD, with media of its own."""

    id: UUID
    channel: str = Field(description="The channel's login.")
    by: str | None = Field(description="Who made it.")
    state: str = Field(description="`making`, `ready` or `failed`.")
    title: str
    duration_ms: int
    views: int = Field(description="Distinct viewers.")
    created_at: datetime
    watch_url: str
    video_url: str | None = Field(description="An MP4, once it is ready.")
    poster_url: str | None

    @classmethod
    def of(cls, clip: Clip, *, site: str) -> ClipOut:
        """Select `channel__user` and `by` along."""
        ready = clip.state == ClipState.READY
        return cls(
            id=clip.pk,
            channel=clip.channel.login,
            by=clip.by.username if clip.by else None,
            state=clip.state,
            title=clip.title,
            duration_ms=clip.duration_ms,
            views=clip.views,
            created_at=clip.created_at,
            watch_url=site + clip.get_absolute_url(),
            video_url=f"{site}/clips/{clip.pk}/clip.mp4" if ready else None,
            poster_url=f"{site}/clips/{clip.pk}/poster.jpg" if ready else None,
        )


class ClipQuery(PageQuery):
    """Which clips to list."""

    channel: str = Field("", max_length=100, description="Only clips of this channel, by its login.")


class ClipList(Page):
    """One page of clips, the newest first."""

    clips: list[ClipOut]


class ViewerIn(CamelSchema):
    """Who watches."""

    viewer: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$", description="An id that the player's browser keeps.")
