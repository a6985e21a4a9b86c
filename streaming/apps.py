"""Django's entry for the streaming app."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    """Channels, stream keys and broadcasts."""

    name = "streaming"
    default_auto_field = "django.db.models.BigAutoField"
