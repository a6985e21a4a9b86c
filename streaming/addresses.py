"""Where the site is, for people and programs that came to it.

A site that was told no name calls itself localhost. Somebody who came by another of the machine's names or addresses,
as a phone in the same network does, is told that one: localhost would be the phone.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port


def site_url(request: HttpRequest) -> str:
    """`http://host:port`, without a slash at the end."""
    if urlsplit(settings.PUBLIC_URL).hostname != "localhost":
        return str(settings.PUBLIC_URL)
    return f"{request.scheme}://{request.get_host()}"


def rtmp_url(request: HttpRequest) -> str:
    """What goes into an encoder's server field."""
    return _reached(request, settings.RTMP_URL)


def whip_url(request: HttpRequest) -> str:
    """Where WebRTC encoders, the go-live page among them, send their offers."""
    return _reached(request, settings.WHIP_URL)


def _reached(request: HttpRequest, url: str) -> str:
    address = urlsplit(url)
    if address.hostname != "localhost":
        return url
    # get_host has been held against ALLOWED_HOSTS: nobody is sent elsewhere by a forged header.
    host, _ = split_domain_port(request.get_host())
    return address._replace(netloc=f"{host}:{address.port}" if address.port else host).geturl()
