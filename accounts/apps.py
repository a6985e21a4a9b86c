"""Django's entry for the accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users and their API tokens."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
