"""Ports before the start."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from deploy.local.errors import PortTaken
from deploy.local.network import Port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_names_a_taken_port_and_the_way_out(listener: socket.socket) -> None:
    number = listener.getsockname()[1]
    with pytest.raises(PortTaken, match=rf"Port {number} \(the web pages\).*make run HTTP_PORT={number + 1}"):
        Port("0.0.0.0", number, "the web pages", "HTTP_PORT").check_free()


def test_a_port_that_just_closed_is_free(listener: socket.socket) -> None:
    number = listener.getsockname()[1]
    port = Port("127.0.0.1", number, "the web pages", "HTTP_PORT")
    with socket.create_connection(("127.0.0.1", number)):
        listener.accept()[0].close()  # the server's end goes to TIME_WAIT
    listener.close()
    port.check_free()
    assert not port.serves()


def test_serves_asks_the_loopback_of_a_wildcard(listener: socket.socket) -> None:
    assert Port("0.0.0.0", listener.getsockname()[1], "the web pages", "HTTP_PORT").serves()
