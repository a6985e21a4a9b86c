"""The stock admin, over the same services as everything else."""

from django.contrib import admin

from accounts.admin import sign_in_like_everyone
from streaming.admin import accounts, broadcasts, channels

__all__ = ["accounts", "broadcasts", "channels"]

admin.site.site_header = admin.site.site_title = "Headrace"
admin.site.index_title = "Site"
sign_in_like_everyone(admin.site)
