"""allauth's forms in the site's words: a label says what a field is, so no placeholder repeats it."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from django.urls import reverse
from django.utils.html import format_html

from accounts import names


class SignupForm(forms.SignupForm):  # type: ignore[misc]  # allauth has no types
    """Opens an account, and with it a channel."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["username"], self.fields["password1"]
        login.label = "Login"
        login.help_text = f"{names.MIN_LENGTH} to {names.MAX_LENGTH} of a to z, 0 to 9 and _."
        login.widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
        email = self.fields["email"]
        email.label = "E-mail" if email.required else "E-mail (optional)"
        if not email.required:
            email.help_text = "For when you lose your password."
        password.help_text = "At least 8 characters, not all digits, and not one that everybody uses."
        self.fields["password2"].label = "Password again"
        _without_placeholders(self)


class LoginForm(forms.LoginForm):  # type: ignore[misc]
    """Signs in by login or e-mail address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Login or e-mail"
        self.fields["login"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
        self.fields["password"].help_text = format_html(
            '<a href="{}">Forgot your password?</a>', reverse("account_reset_password")
        )
        _without_placeholders(self)


def _without_placeholders(form: Any) -> None:
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
