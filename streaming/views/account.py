"""A person's settings: account, look, API tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import ApiToken
from accounts.ratelimit import RateLimit, limit_posts
from accounts.services import TooManyTokens, issue_api_token, revoke_api_token
from streaming.forms import ApiTokenForm

TOKENS = RateLimit("api-token", count=20, seconds=3600)


@login_required
@never_cache
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """The settings page."""
    return _page(request, form=ApiTokenForm())


@login_required
@never_cache
@limit_posts(TOKENS)
@require_POST
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make an API token and show it, this once."""
    assert request.user.is_authenticated
    form = ApiTokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    try:
        _, text = issue_api_token(user=request.user, name=form.cleaned_data["name"], now=timezone.now())
    except TooManyTokens as error:
        form.add_error("name", str(error))
        return _page(request, form=form, status=422)
    return _page(request, form=ApiTokenForm(), new_token=text)


@login_required
@limit_posts(TOKENS)
@require_POST
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Take an API token away."""
    assert request.user.is_authenticated
    if revoke_api_token(user=request.user, token_id=token_id, now=timezone.now()):
        messages.success(request, "The token is revoked.")
    return redirect("streaming:settings")


def _page(request: HttpRequest, *, form: ApiTokenForm, status: int = 200, **more: Any) -> HttpResponse:
    tokens = ApiToken.objects.usable().filter(user=request.user.pk)
    return render(request, "streaming/settings.html", {"form": form, "tokens": tokens, **more}, status=status)
