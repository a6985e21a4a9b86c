"""The composition root. Importing it makes the Celery application current, for every `shared_task` and its senders."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
