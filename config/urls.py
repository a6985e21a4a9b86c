"""Every page's address. A channel lives at `/<login>`, so each first segment here is a reserved login."""

from django.contrib import admin
from django.urls import include, path

import chat.api
import vods.api
from streaming.api import api

chat.api.mount(api)
vods.api.mount(api)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("chat.urls")),  # before a channel's: it knows their logins
    path("", include("vods.urls")),
    path("", include("streaming.urls")),
    path("", api.urls),  # last: its root, which it insists on, must not take the home page's place
]
