"""Django's entry for the chat app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Rooms, roles and what moderators did."""

    name = "chat"
    default_auto_field = "django.db.models.BigAutoField"
