"""Tests use no network but loopback, save those marked ``download``: a connection to elsewhere fails as it does without a cable."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

MESSAGE = "tests use no network; mark the test download if it must"
LOCAL = (None, "", "localhost", b"localhost")


def local(host: object) -> bool:
    """Whether a host is this machine: a name of it, or a loopback address (the unspecified one counts, for listening)."""
    if host in LOCAL:
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def block(patch) -> None:
    """``patch``: pytest's monkeypatch."""
    connect, connect_ex, look_up, send_to = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo, socket.socket.sendto

    def allowed(own: socket.socket, address: Any) -> bool:
        return own.family not in (socket.AF_INET, socket.AF_INET6) or local(address[0])

    def to(own, address):
        if not allowed(own, address):
            raise OSError(errno.ENETUNREACH, MESSAGE)
        return connect(own, address)

    def to_ex(own, address):
        return connect_ex(own, address) if allowed(own, address) else errno.ENETUNREACH

    def sent(own, data, *rest):
        if not allowed(own, rest[-1]):
            raise OSError(errno.ENETUNREACH, MESSAGE)
        return send_to(own, data, *rest)

    def found(host, *rest, **options):
        if not local(host):
            raise socket.gaierror(socket.EAI_AGAIN, MESSAGE)
        return look_up(host, *rest, **options)

    patch.setattr(socket.socket, "connect", to)
    patch.setattr(socket.socket, "connect_ex", to_ex)
    patch.setattr(socket.socket, "sendto", sent)
    patch.setattr(socket, "getaddrinfo", found)
