"""What PostgreSQL remembers of recorded media. One noun a file:

Vod -- VodRendition -- InitSection, Bundle      what a player plays: its media lies in bundles in storage
    |- Asset                                    what is made of it: MP4, audio, storyboard, poster, preview, chat
    |- Chapter, WatchPosition                   where in it somebody wants to be
    |- Recall                                   somebody waits for it to come back from cold storage
Clip                                            a moment of a VOD or of a broadcast, with media of its own
VodSettings                                     what a channel wants done with its broadcasts
StorageDay                                      what a channel's media took and cost on a day

All that is stored of a VOD lies below `Vod.prefix`, all of a clip below `Clip.prefix`: deleting is deleting those.
Times inside media are integer ticks of the rendition's timescale; positions that people see are milliseconds from the
VOD's start, in media that plays: the time in which an encoder was away is not in it.
"""

from vods.models.asset import Asset, AssetKind, AssetState
from vods.models.clip import Clip, ClipState
from vods.models.media import Bundle, InitSection, VodRendition
from vods.models.settings import Clippers, ColdEnd, VodSettings
from vods.models.tiering import Recall, StorageDay
from vods.models.vod import Tier, Visibility, Vod, VodKind, VodState
from vods.models.watching import Chapter, WatchPosition

__all__ = [
    "Asset",
    "AssetKind",
    "AssetState",
    "Bundle",
    "Chapter",
    "Clip",
    "ClipState",
    "Clippers",
    "ColdEnd",
    "InitSection",
    "Recall",
    "StorageDay",
    "Tier",
    "Visibility",
    "Vod",
    "VodKind",
    "VodRendition",
    "VodSettings",
    "VodState",
    "WatchPosition",
]
