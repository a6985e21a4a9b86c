"""What moderators type into a room's settings."""

from __future__ import annotations

from django import forms

from chat.models import MAX_TERM, Room


class ModesForm(forms.ModelForm):
    """The room's modes and filters."""

    class Meta:
        model = Room
        fields = (
            "slow_seconds",
            "followers_minutes",
            "subscribers_only",
            "emote_only",
            "unique_chat",
            "links_allowed",
            "spam_filter",
        )
        labels = {
            "slow_seconds": "Slow mode, seconds",
            "followers_minutes": "Followers only, minutes",
            "subscribers_only": "Subscribers only",
            "emote_only": "Emotes only",
            "unique_chat": "Unique chat",
            "links_allowed": "Links are allowed",
            "spam_filter": "Hold what looks like spam",
        }
        help_texts = {
            "slow_seconds": "3 to 120 between two messages of one person; 0 for off.",
            "followers_minutes": "How long one must have followed, up to 129600; empty for off.",
        }

    def clean_slow_seconds(self) -> int:
        seconds: int = self.cleaned_data["slow_seconds"]
        if seconds and not 3 <= seconds <= 120:
            raise forms.ValidationError("0, or 3 to 120.")
        return seconds

    def clean_followers_minutes(self) -> int | None:
        minutes: int | None = self.cleaned_data["followers_minutes"]
        if minutes is not None and minutes > 129_600:
            raise forms.ValidationError("At most 129600.")
        return minutes


class TermForm(forms.Form):
    """Words to block."""

    term = forms.CharField(
        label="Words to block", max_length=MAX_TERM, help_text="Whole words in any case; * stands for any letters."
    )


class EmoteForm(forms.Form):
    """A new emote."""

    name = forms.CharField(max_length=40, help_text="Small letters first, then at least one capital or digit: aliceHi.")
    picture = forms.FileField(
        help_text="PNG, WebP, GIF or JPEG, at most 512 KiB.",
        widget=forms.ClearableFileInput(attrs={"accept": "image/png,image/webp,image/gif,image/jpeg"}),
    )
