"""Who gets what answer from which address: the whole URLconf but the admin, one row a method and address.

A new address needs a row here. `pattern` is the address as the URLconf spells it; what it takes, as `login`,
comes from the world of `world.py`, which is one channel and people around it:

anonymous   nobody is signed in
viewer      somebody with an account
banned      banned from the channel's chat
moderator   of the channel's chat
owner       the channel's streamer
staff       of the house, a superuser

An answer is a status, or SIGN_IN: sent to sign in. Writes are counted by a RateLimit and want the CSRF token, which the
tests see to; a row that is not counted says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

ROLES = ("anonymous", "viewer", "banned", "moderator", "owner", "staff")


class SignIn(Enum):
    """Sent to the page that signs in."""

    SIGN_IN = "sign in"


SIGN_IN = SignIn.SIGN_IN
Answer = int | SignIn


@dataclass(frozen=True, slots=True)
class Row:
    """What each role is answered.

    `data` is a form, `json` a body of the API; `{name}` in either stands for a fact of the world. `unlimited` says why
    a POST needs no limit of ours. A `live` row is asked of a real server: its view speaks with the event loop.
    """

    method: str
    pattern: str
    answers: tuple[Answer, ...]
    data: dict[str, str] = field(default_factory=dict)
    json: dict[str, object] | None = None
    unlimited: str = ""
    live: bool = False

    def __post_init__(self) -> None:
        assert len(self.answers) == len(ROLES), f"{self}: one answer for each of {ROLES}"

    def __str__(self) -> str:
        return f"{self.method} /{self.pattern}"


def get(pattern: str, *answers: Answer) -> Row:
    """A page. One answer is everybody's."""
    return Row("GET", pattern, answers * len(ROLES) if len(answers) == 1 else answers)


def post(
    pattern: str,
    *answers: Answer,
    data: dict[str, str] | None = None,
    json: dict[str, object] | None = None,
    unlimited: str = "",
    live: bool = False,
) -> Row:
    """A write. One answer is everybody's."""
    spread = answers * len(ROLES) if len(answers) == 1 else answers
    return Row("POST", pattern, spread, data=data or {}, json=json, unlimited=unlimited, live=live)


def patch(pattern: str, *answers: Answer, json: dict[str, object]) -> Row:
    """A change by the API."""
    return Row("PATCH", pattern, answers, json=json)


def put(pattern: str, *answers: Answer, json: dict[str, object]) -> Row:
    """A replacement by the API."""
    return Row("PUT", pattern, answers, json=json)


def delete(pattern: str, *answers: Answer) -> Row:
    """A removal by the API."""
    return Row("DELETE", pattern, answers)


ALLAUTH = "allauth counts it: ACCOUNT_RATE_LIMITS"
HARMLESS = "it changes nothing but the caller's own session"

SITE = (
    get("", 200),
    get("^directory/?$", 200),
    get("directory/<slug:slug>", 200),
    get("^search/?$", 200),
    get("healthz", 200),
    get("readyz", 200),
    get("<login:login>", 200),
    get("<login:login>/", 301),
    get("<login:login>/live", 200),
    get("^dashboard/?$", SIGN_IN, 200, 200, 200, 200, 200),
    get("dashboard/health", SIGN_IN, 200, 200, 200, 200, 200),
    post("dashboard/info", SIGN_IN, 302, 302, 302, 302, 302, data={"title": "Mine"}),
    get("dashboard/go-live", SIGN_IN, 200, 200, 200, 200, 200),
    post("dashboard/go-live/ticket", SIGN_IN, 200, 200, 200, 200, 200),
    post("dashboard/end", SIGN_IN, 302, 302, 302, 302, 302),
    post("dashboard/key", SIGN_IN, 200, 200, 200, 200, 200),
    post("dashboard/key/revoke", SIGN_IN, 302, 302, 302, 302, 302),
    get("^settings/?$", SIGN_IN, 200, 200, 200, 200, 200),
    post("settings/tokens", SIGN_IN, 200, 200, 200, 200, 200, data={"name": "bot"}),
    # Somebody else's token is as one that never was: the answer does not tell, and the token lives on.
    post("settings/tokens/<uuid:token_id>/revoke", SIGN_IN, 302, 302, 302, 302, 302),
)

CHAT = (
    get("popout/<login:login>/chat", 200),
    get("overlay/<login:login>/chat", 200),
    get("chat/emotes/<uuid:emote_id>.webp", 200),
    get("^following/?$", SIGN_IN, 200, 200, 200, 200, 200),
    post("settings/notices", SIGN_IN, 302, 302, 302, 302, 302, data={"wanted": "0"}),
    post("chat/<login:login>/follow", SIGN_IN, 302, 302, 302, 404, 302, data={"follow": "1"}),
    get("chat/<login:login>/moderation", SIGN_IN, 403, 403, 200, 200, 403),
    post("chat/<login:login>/moderation", SIGN_IN, 403, 403, 302, 302, 403, data={"slow_seconds": "30"}),
    post("chat/<login:login>/moderation/emotes", SIGN_IN, 403, 403, 422, 422, 403),
    post("chat/<login:login>/moderation/emotes/<uuid:emote_id>/remove", SIGN_IN, 403, 403, 403, 302, 403),
    post("chat/<login:login>/moderation/terms", SIGN_IN, 403, 403, 302, 302, 403, data={"term": "rude"}),
    post("chat/<login:login>/moderation/terms/<int:term_id>/remove", SIGN_IN, 403, 403, 302, 302, 403),
    get("chat/<login>/emotes", 200),
    get("chat/<login>/users/<user>", 200),
    get("chat/<login>/desk", 401, 403, 403, 200, 200, 403),
    post("chat/actions/<uuidstr:action_id>/undo", 401, 403, 403, 200, 200, 403, json={"channelId": "{login}"}),
    post(
        "chat/messages",
        *(401, 200, 403, 200, 200, 200),
        json={"channelId": "{login}", "message": "hello"},
        live=True,
    ),
    post(
        "chat/held/<uuidstr:held_id>",
        *(401, 403, 403, 200, 200, 403),
        json={"channelId": "{login}", "allowed": False},
        live=True,
    ),
)

VODS = (
    get("videos/<uuid:vod_id>", 200),
    post("videos/<uuid:vod_id>/recall", SIGN_IN, 302, 302, 302, 302, 302),
    get("videos/<uuid:vod_id>/chapters.vtt", 200),
    get("<login:login>/videos", 200),
    get("clips/<uuid:clip_id>", 200),
    post("clips/<uuid:clip_id>/delete", SIGN_IN, 403, 403, 403, 302, 403),
    get("<login:login>/clips", 200),
    # Who is not live is told so.
    post("dashboard/marker", SIGN_IN, 409, 409, 409, 200, 409, data={"text": "There"}),
    get("^dashboard/videos/?$", SIGN_IN, 200, 200, 200, 200, 200),
    post(
        "dashboard/videos/settings",
        *(SIGN_IN, 302, 302, 302, 302, 302),
        data={"visibility": "public", "clippers": "everyone", "cold_end": "archive"},
    ),
    # Somebody else's video is as one that never was.
    get("dashboard/videos/<uuid:vod_id>", SIGN_IN, 404, 404, 404, 200, 404),
    post("dashboard/videos/<uuid:vod_id>", SIGN_IN, 404, 404, 404, 302, 404, data={"visibility": "public"}),
    post("dashboard/videos/<uuid:vod_id>/poster", SIGN_IN, 404, 404, 404, 302, 404, data={"at": "0:10"}),
    post(
        "dashboard/videos/<uuid:vod_id>/highlight",
        *(SIGN_IN, 404, 404, 404, 302, 404),
        data={"cut-begin": "0:10", "cut-end": "0:40"},
    ),
    post("dashboard/videos/<uuid:vod_id>/delete", SIGN_IN, 404, 404, 404, 302, 404),
    get("vods/clips", 200),
    post(
        "vods/clips",
        *(401, 201, 403, 201, 201, 201),
        json={"vodId": "{vod_id}", "fromMs": 0, "toMs": 5000, "title": "There"},
    ),
    get("vods/clips/<uuidstr:clip_id>", 200),
    delete("vods/clips/<uuidstr:clip_id>", 401, 403, 403, 403, 204, 403),
    post("vods/clips/<uuidstr:clip_id>/watching", 200, json={"viewer": "some-browser"}),
    get("vods", 200),
    get("vods/<uuidstr:vod_id>", 200),
    patch("vods/<uuidstr:vod_id>", 401, 403, 403, 403, 200, 403, json={"title": "Mine"}),
    delete("vods/<uuidstr:vod_id>", 401, 403, 403, 403, 204, 403),
    put("vods/<uuidstr:vod_id>/chapters", 401, 403, 403, 403, 204, 403, json={"chapters": []}),
    post("vods/<uuidstr:vod_id>/watching", 200, json={"viewer": "some-browser", "atMs": 1}),
)

API = (
    get("", 200),
    get("api/docs", 200),
    get("api/openapi.json", 200),
    get("streams", 200),
    get("streams/<stream_id>", 200),
    # By stream key or API token, never by the session: who is signed in is nothing to it.
    post("streams/start", 401, json={"streamKey": "nobody's"}),
)

ACCOUNTS = (
    get("accounts/login/", 200, 302, 302, 302, 302, 302),
    get("accounts/signup/", 200, 302, 302, 302, 302, 302),
    get("accounts/logout/", 302, 200, 200, 200, 200, 200),
    get("accounts/inactive/", 200),
    get("accounts/confirm-email/", 200),
    get(r"accounts/^confirm-email/(?P<key>[-:\w]+)/$", 200),
    get("accounts/email/", SIGN_IN, 200, 200, 200, 200, 200),
    get("accounts/reauthenticate/", SIGN_IN, 200, 200, 200, 200, 200),
    get("accounts/password/change/", SIGN_IN, 200, 200, 200, 200, 200),
    get("accounts/password/set/", SIGN_IN, 302, 302, 302, 302, 302),
    get("accounts/password/reset/", 200),
    get("accounts/password/reset/done/", 200),
    get("accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", 200),
    get("accounts/password/reset/key/done/", 200),
    get("accounts/login/code/confirm/", SIGN_IN, 302, 302, 302, 302, 302),
    post("accounts/login/", 200, 302, 302, 302, 302, 302, data={"login": "x"}, unlimited=ALLAUTH),
    post("accounts/signup/", 200, 302, 302, 302, 302, 302, data={"username": "x"}, unlimited=ALLAUTH),
    post("accounts/logout/", 302, unlimited=HARMLESS),
    post("accounts/password/reset/", 200, data={"email": ""}, unlimited=ALLAUTH),
    post("accounts/password/change/", SIGN_IN, 200, 200, 200, 200, 200, unlimited=ALLAUTH),
    post("accounts/email/", SIGN_IN, 200, 200, 200, 200, 200, data={"action_add": "1"}, unlimited=ALLAUTH),
)

ACCOUNT_FORMS = (
    post(r"accounts/^confirm-email/(?P<key>[-:\w]+)/$", 404, unlimited="its key is long enough, and comes by e-mail"),
    post(
        "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        200,
        unlimited="its key is long enough, and comes by e-mail",
    ),
    post("accounts/login/code/confirm/", SIGN_IN, 302, 302, 302, 302, 302, unlimited=ALLAUTH),
    post("accounts/password/set/", SIGN_IN, 302, 302, 302, 302, 302, unlimited=ALLAUTH),
    post("accounts/reauthenticate/", SIGN_IN, 200, 200, 200, 200, 200, unlimited=ALLAUTH),
)

MATRIX = (*SITE, *CHAT, *VODS, *API, *ACCOUNTS, *ACCOUNT_FORMS)

PLAYBACK = {
    "/streams/{broadcast}/manifest.m3u8",
    "/streams/{broadcast}/manifest.mpd",
    "/streams/{broadcast}/{rendition:name}/index.m3u8",
    "/streams/{broadcast}/{rendition:name}/{msn:number}.{part:number}.m4s",
    "/streams/{broadcast}/{rendition:name}/{msn:number}.m4s",
    "/streams/{broadcast}/{rendition:name}/init-{number:number}.mp4",
    "/streams/{broadcast}/{rendition:name}/init.mp4",
    "/streams/{broadcast}/dvr.m3u8",
    "/streams/{broadcast}/{rendition:name}/dvr.m3u8",
    "/streams/{broadcast}/time",
    "/streams/{broadcast}/status",
    "/streams/{broadcast}/heartbeat",
    "/streams/{broadcast}/thumbnail.jpg",
}
"""What playback answers, to everybody alike: it reads no cookie. Live broadcasts are public."""

RECORDINGS = {
    "/vods/{vod:uuid}/manifest.m3u8",
    "/vods/{vod:uuid}/storyboard.vtt",
    "/vods/{vod:uuid}/storyboard-{number:number}.jpg",
    "/vods/{vod:uuid}/poster.jpg",
    "/vods/{vod:uuid}/chat-{number:number}.json",
    "/vods/{vod:uuid}/preview.mp4",
    "/vods/{vod:uuid}/audio.m4a",
    "/vods/{vod:uuid}/video-{number:number}.mp4",
    "/vods/{vod:uuid}/{rendition:name}/index.m3u8",
    "/vods/{vod:uuid}/{rendition:name}/init-{number:number}.mp4",
    "/vods/{vod:uuid}/{rendition:name}/{first_msn:number}-{crc32:number}.m4s",
    "/clips/{clip:uuid}/clip.mp4",
    "/clips/{clip:uuid}/poster.jpg",
}
"""Media of VODs and clips. It reads no cookie either: what is not for everybody wants a token in the address, whoever
asks, and is not there without one (`vods.access`)."""

ENCODERS = {"/whip": {"POST"}, "/whip/{session}": {"PATCH", "DELETE"}}
"""What WebRTC encoders are answered, by stream key or ticket; a session by what began it. It reads no cookie."""

SOCKETS: dict[str, tuple[str, ...]] = {
    # What they are answered who say something in the room.
    "/ws/chat/{login}/": ("sign_in", "ack", "banned", "ack", "ack", "ack"),
    # With what they are let go, who follow nobody.
    "/ws/notices/": ("4401", "4404", "4404", "4404", "4404", "4404"),
}
"""WebSockets, by role. What else asks for one is refused."""
