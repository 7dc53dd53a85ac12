"""Tests are kept from the network, loopback stays; and a command can be run in a room without one."""

import errno
import http.server
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests import offline

ROOT = Path(__file__).parent.parent
ELSEWHERE = "192.0.2.1"  # RFC 5737: for documentation, nobody's


def test_a_connection_to_elsewhere_fails_at_once():
    with socket.socket() as s, pytest.raises(OSError, match="mark the test download") as error:
        s.connect((ELSEWHERE, 80))
    assert error.value.errno == errno.ENETUNREACH
    with socket.socket() as s:
        assert s.connect_ex((ELSEWHERE, 80)) == errno.ENETUNREACH
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, pytest.raises(OSError):
        s.sendto(b"x", (ELSEWHERE, 53))
    with pytest.raises(urllib.error.URLError, match="mark the test download"):
        urllib.request.urlopen("http://example.org")


def test_loopback_stays():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://localhost:{server.server_port}/no-such-page")
    server.server_close()


@pytest.mark.download
def test_a_marked_test_is_let_out():
    """It needs no network itself: what would keep it in is not there."""
    assert all(getattr(f, "__module__", None) != offline.__name__ for f in (socket.socket.connect, socket.getaddrinfo))


@pytest.mark.parametrize("host, here", [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), (None, True), ("8.8.8.8", False), ("example.org", False), ("10.0.0.1", False), ("fe80::1%eth0", False)])
def test_what_is_local(host, here):
    assert offline.local(host) == here


TRIES = f"""
import errno, socket
with socket.socket() as server:
    server.bind(("127.0.0.1", 0)); server.listen()
    socket.create_connection(server.getsockname()).close()
with socket.socket() as s:
    print(errno.errorcode[s.connect_ex(("{ELSEWHERE}", 80))])
"""


def test_a_command_in_a_room_without_a_network():
    run = subprocess.run([sys.executable, "-m", "tests.namespaces", sys.executable, "-c", TRIES], cwd=ROOT, capture_output=True, text=True, timeout=60)
    if "no room without a network" in run.stderr:
        pytest.skip(run.stderr.strip())
    assert (run.returncode, run.stdout.strip()) == (0, "ENETUNREACH"), run.stderr
