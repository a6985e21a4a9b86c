"""What people type into the dashboard and the settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from django import forms

from accounts.models import ApiToken
from streaming.errors import InvalidStreamInfo
from streaming.models import MAX_TAG, MAX_TAGS, MAX_TITLE, Category, Channel
from streaming.stream_info import clean_tags, clean_title

T = TypeVar("T")
U = TypeVar("U")


class StreamInfoForm(forms.Form):
    """Title, category and tags of the next or current broadcast."""

    title = forms.CharField(
        required=False,
        # What is trimmed does not count: the service bounds what is left.
        max_length=MAX_TITLE * 2,
        widget=forms.TextInput(attrs={"maxlength": MAX_TITLE, "placeholder": "What is it about?"}),
    )
    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label="None")
    tags = forms.CharField(
        required=False,
        max_length=(MAX_TAG + 2) * MAX_TAGS * 2,
        help_text=f"Up to {MAX_TAGS} words, with spaces or commas between them.",
        widget=forms.TextInput(attrs={"placeholder": "english, beginner-friendly", "autocapitalize": "none"}),
    )

    @classmethod
    def of(cls, channel: Channel) -> StreamInfoForm:
        """The form filled with what the channel has."""
        return cls(
            initial={"title": channel.title, "category": channel.category_id, "tags": ", ".join(channel.tags)},
        )

    def clean_title(self) -> str:
        return _or_form_error(clean_title, self.cleaned_data["title"])

    def clean_tags(self) -> list[str]:
        return _or_form_error(clean_tags, re.split(r"[\s,;]+", self.cleaned_data["tags"]))


class ApiTokenForm(forms.ModelForm):
    """What a new API token is for."""

    class Meta:
        model = ApiToken
        fields = ["name"]
        labels = {"name": "What is it for?"}
        help_texts = {"name": ""}
        widgets = {"name": forms.TextInput(attrs={"placeholder": "My stream deck", "autocomplete": "off"})}


def _or_form_error(clean: Callable[[T], U], value: T) -> U:
    try:
        return clean(value)
    except InvalidStreamInfo as error:
        raise forms.ValidationError(list(error.problems)) from error
