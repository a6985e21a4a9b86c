"""The Celery application. Its settings are the CELERY_* names of `config.settings`."""

import os

from celery import Celery

# `celery -A config flower` and `beat` come here without manage.py.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("headrace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"])
