"""What streamers type about their videos."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings as django_settings

from streaming.models import MAX_TITLE, Category
from vods.models import Clippers, ColdEnd, Visibility, Vod
from vods.models.vod import MAX_DESCRIPTION
from vods.moments import exact_moment, parse_chapters, parse_moment
from vods.services.settings import MOST_RETENTION_DAYS, settings_of

VISIBILITIES = [
    (Visibility.PUBLIC, "Public: everybody, in all lists"),
    (Visibility.UNLISTED, "Unlisted: everybody who has the address"),
    (Visibility.FOLLOWERS, "Followers of the channel"),
    (Visibility.PRIVATE, "Private: you alone"),
]


COLD_ENDS = [
    (ColdEnd.ARCHIVE, "stays, in the archive: it takes a while to bring it back"),
    (ColdEnd.DELETE, "is deleted; you are warned before"),
]


class MomentField(forms.CharField):
    """A time such as `1:02:03`; milliseconds when cleaned, None if it was left out."""

    def __init__(self, label: str, **options: Any) -> None:
        widget = forms.TextInput(attrs={"placeholder": "1:02:03", "autocomplete": "off", "inputmode": "text"})
        super().__init__(label=label, max_length=20, widget=widget, **options)

    def clean(self, value: str) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_moment(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class VideoForm(forms.Form):
    """What a video is about, and who may watch."""

    title = forms.CharField(required=False, max_length=MAX_TITLE)
    description = forms.CharField(required=False, max_length=MAX_DESCRIPTION, widget=forms.Textarea(attrs={"rows": 5}))
    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label="None")
    visibility = forms.ChoiceField(choices=VISIBILITIES, label="Who may watch")
    downloads = forms.BooleanField(required=False, label="Whoever may watch may download it")
    kept = forms.BooleanField(required=False, label="Keep it, however old it gets")
    chapters = forms.CharField(
        required=False,
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "0:00 Start\n12:30 The boss"}),
        help_text="One a line: when it begins, and its title.",
    )

    @classmethod
    def of(cls, vod: Vod) -> VideoForm:
        """The form filled with what the video has."""
        lines = [f"{exact_moment(one.at_ms)} {one.title}" for one in vod.chapters.all()]
        return cls(
            initial={
                "title": vod.title,
                "description": vod.description,
                "category": vod.category_id,
                "visibility": vod.visibility,
                "downloads": vod.downloads,
                "kept": vod.kept,
                "chapters": "\n".join(lines),
            }
        )

    def clean_chapters(self) -> list[tuple[int, str]]:
        try:
            return parse_chapters(self.cleaned_data["chapters"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class PosterForm(forms.Form):
    """Which moment the thumbnail shows."""

    at = MomentField("Moment")


class HighlightForm(forms.Form):
    """A range to be cut into a video of its own."""

    prefix = "cut"

    begin = MomentField("From")
    end = MomentField("To")
    title = forms.CharField(required=False, max_length=MAX_TITLE, label="Title of the highlight")


class VodSettingsForm(forms.Form):
    """What a channel wants done with its broadcasts."""

    keep_broadcasts = forms.BooleanField(required=False, label="Keep broadcasts as videos")
    dvr = forms.BooleanField(required=False, label="Viewers can seek back while you are live")
    downloads = forms.BooleanField(required=False, label="New videos may be downloaded")
    visibility = forms.ChoiceField(choices=VISIBILITIES, label="Who may watch new videos")
    clippers = forms.ChoiceField(choices=Clippers, label="Who may make clips")
    retention_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_RETENTION_DAYS,
        label="Delete videos after so many days",
        help_text="Empty: never. You are warned before.",
    )
    cold_end = forms.ChoiceField(
        choices=COLD_ENDS, label=f"A video that nobody has watched for {django_settings.TIER_DAYS[2]} days"
    )

    @classmethod
    def of(cls, channel_id: UUID) -> VodSettingsForm:
        """The form filled with the channel's settings."""
        settings = settings_of(channel_id)
        return cls(initial={name: getattr(settings, name) for name in cls.base_fields})
