"""Rooms of a process's own on Linux: a network of which only loopback is there, a small disk. No program but the kernel is needed.

    python -m tests.namespaces COMMAND ...     runs COMMAND without a network (what `make test OFFLINE=1` does)
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

NEWNS, NEWUSER, NEWNET = 0x00020000, 0x10000000, 0x40000000
REC, PRIVATE = 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, UP = 0x8913, 0x8914, 1


def leave(spaces: int) -> None:
    """Leave the given namespaces for new ones; who is not root also takes a user namespace, keeping name and number. OSError when forbidden."""
    uid, gid = os.getuid(), os.getgid()
    _must(_libc().unshare(spaces | (NEWUSER if uid else 0)), "unshare")
    if uid:
        for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path(f"/proc/self/{file}").write_text(text)


def without_network() -> None:
    """This process and its children see loopback, up, and no other network from here on."""
    leave(NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | UP))


def small_disk(folder: Path, kilobytes: int) -> None:
    """``folder`` becomes a disk (tmpfs) of that size, empty, for this process and its children."""
    leave(NEWNS)
    _must(_libc().mount(None, b"/", None, REC | PRIVATE, None), "mount")
    _must(_libc().mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={kilobytes}k".encode()), "mount")


def _libc() -> ctypes.CDLL:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.unshare, libc.mount  # noqa: B018
    except (OSError, TypeError, AttributeError) as error:
        raise OSError("namespaces are Linux's") from error
    libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
    return libc


def _must(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        without_network()
    except OSError as error:
        sys.exit(f"no room without a network can be made here ({error}); pull the cable, or run make test without OFFLINE")
    os.execvp(sys.argv[1], sys.argv[1:])
