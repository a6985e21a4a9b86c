"""What allauth asks of the site: above all that who signs up has a login that fits, and a channel."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts import names
from accounts.models import User
from streaming import services


class SignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's `ACCOUNT_ADAPTER`."""

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """The login in lower case, of the right shape, not reserved and not taken."""
        login = username.lower()
        names.validate_shape(login)
        names.validate_not_reserved(login)
        return str(super().clean_username(login, shallow))

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save the user and their channel, both or neither."""
        try:
            with transaction.atomic():
                super().save_user(request, user, form, commit)
                if commit:
                    services.create_channel(user=user, now=timezone.now())
        except IntegrityError:
            # Somebody took the login between the form's check and now.
            messages.error(request, "This name was just taken. Please choose another.")
            raise ImmediateHttpResponse(redirect("account_signup")) from None
        return user

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002
        """Back to where the person came from."""
        return reverse("streaming:settings")
