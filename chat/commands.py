"""The commands people type: their names, who may use them and how. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chat.standing import Rank

_COMMAND = re.compile(r"[/.]([A-Za-z][A-Za-z0-9]*)(?:\s+(.*))?", re.DOTALL)
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhdw])+", re.IGNORECASE)
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Command:
    """`/name rest`; the name in lower case."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        return self.rest.split()


@dataclass(frozen=True, slots=True)
class Usage:
    """How a command is typed, what it does, and from which rank on."""

    text: str
    says: str
    rank: Rank = Rank.VIEWER


USAGE = {
    "me": Usage("/me text", "says what you do"),
    "color": Usage("/color #rrggbb or name", "chooses the colour of your name"),
    "mods": Usage("/mods", "lists the moderators"),
    "vips": Usage("/vips", "lists the VIPs"),
    "block": Usage("/block login", "hides what somebody says"),
    "unblock": Usage("/unblock login", "shows it again"),
    "delete": Usage("/delete message-id", "deletes a message: your own, or as a moderator any"),
    "w": Usage("/w login text", "whispers to somebody"),
    "disconnect": Usage("/disconnect", "leaves the chat"),
    "help": Usage("/help [command]", "lists the commands"),
    "ban": Usage("/ban login [reason]", "bans somebody for good", Rank.MODERATOR),
    "unban": Usage("/unban login", "ends a ban or timeout", Rank.MODERATOR),
    "timeout": Usage("/timeout login [60, 10m, 1d …] [reason]", "silences somebody for a while", Rank.MODERATOR),
    "untimeout": Usage("/untimeout login", "ends a timeout", Rank.MODERATOR),
    "clear": Usage("/clear", "clears the room", Rank.MODERATOR),
    "slow": Usage("/slow [seconds]", "lets everyone talk once in 3 to 120 s", Rank.MODERATOR),
    "slowoff": Usage("/slowoff", "ends that", Rank.MODERATOR),
    "followers": Usage("/followers [30m, 2h, 7d …]", "lets only followers talk", Rank.MODERATOR),
    "followersoff": Usage("/followersoff", "ends that", Rank.MODERATOR),
    "subscribers": Usage("/subscribers", "lets only subscribers talk", Rank.MODERATOR),
    "subscribersoff": Usage("/subscribersoff", "ends that", Rank.MODERATOR),
    "emoteonly": Usage("/emoteonly", "lets only emotes through", Rank.MODERATOR),
    "emoteonlyoff": Usage("/emoteonlyoff", "ends that", Rank.MODERATOR),
    "uniquechat": Usage("/uniquechat", "lets nothing be said twice", Rank.MODERATOR),
    "uniquechatoff": Usage("/uniquechatoff", "ends that", Rank.MODERATOR),
    "announce": Usage("/announce text", "says something that stands out", Rank.MODERATOR),
    "pin": Usage("/pin message-id", "pins a message", Rank.MODERATOR),
    "unpin": Usage("/unpin", "unpins it", Rank.MODERATOR),
    "raid": Usage("/raid login", "sends the viewers to another channel", Rank.MODERATOR),
    "mod": Usage("/mod login", "makes somebody a moderator", Rank.BROADCASTER),
    "unmod": Usage("/unmod login", "takes that back", Rank.BROADCASTER),
    "vip": Usage("/vip login", "makes somebody a VIP", Rank.BROADCASTER),
    "unvip": Usage("/unvip login", "takes that back", Rank.BROADCASTER),
    "marker": Usage("/marker [description]", "marks this moment of the broadcast", Rank.BROADCASTER),
}
ALIASES = {
    "followersonly": "followers",
    "followersonlyoff": "followersoff",
    "subs": "subscribers",
    "r9kbeta": "uniquechat",
    "r9kbetaoff": "uniquechatoff",
    "uniquechatmode": "uniquechat",
    "whisper": "w",
}


def parse(text: str) -> Command | None:
    """The command a text is, known or not; None for what is to be said. `//` and `...` are said."""
    match = _COMMAND.fullmatch(text.strip())
    if match is None or (text.strip()[0] == "." and match[1].lower() not in {*USAGE, *ALIASES}):
        return None
    name = match[1].lower()
    return Command(ALIASES.get(name, name), (match[2] or "").strip())


def seconds(text: str, *, unit_s: int = 1) -> int | None:
    """A duration as one types it: `90` of a unit, or `30s`, `10m`, `1h30m`, `2d`, `1w`; None for anything else."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text) * unit_s
    if not _DURATION.fullmatch(text):
        return None
    return sum(int(count) * _UNIT_S[unit] for count, unit in re.findall(r"([0-9]+)(\D)", text.lower()))


def available(rank: Rank) -> list[str]:
    """The names of the commands of a rank."""
    return [name for name, usage in USAGE.items() if usage.rank <= rank]
