"""A face for channels without a picture."""

from __future__ import annotations

from zlib import crc32

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

HUES = 12
"""As many as `components.css` has; a class, not a style attribute, so that the page needs no inline style."""


@register.simple_tag
def avatar(login: str, size: str = "") -> SafeString:
    """The login's first letter on a ground whose hue is always the same for the login. `size`: small or large."""
    return format_html(
        '<span class="avatar avatar--{}{}" aria-hidden="true">{}</span>',
        crc32(login.encode()) % HUES,
        f" avatar--{size}" if size else "",
        login.lstrip("_")[:1] or "_",
    )
