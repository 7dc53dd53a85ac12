"""``make lab`` as a reader starts it: in a terminal, with its usual port taken; the address is opened, and Ctrl-C ends it."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE

ROOT = Path(__file__).parents[2]
READY = shutil.which("make") and subprocess.run(["make", "--question", ".venv/.ready"], cwd=ROOT, capture_output=True, check=False).returncode == 0
pytestmark = [pytest.mark.timeout(300 * PATIENCE), pytest.mark.skipif(not READY, reason="no .venv that is up to date: make setup")]


def wait(true: Callable[[], object], process: subprocess.Popen, said: Path, seconds: float = 90) -> None:
    end = time.monotonic() + PATIENCE * seconds
    while not true():
        assert process.poll() is None and time.monotonic() < end, said.read_text()
        time.sleep(0.2)


def ask(address: str, token: str, what: str) -> bytes:
    request = urllib.request.Request(address + what, headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=PATIENCE * 60) as answer:
        return answer.read()


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_it_opens_on_another_port_and_ctrl_c_leaves_nothing_behind(tmp_path):
    said, runtime = tmp_path / "said", tmp_path / "runtime"
    here = {"JUPYTER_CONFIG_DIR": tmp_path / "config", "JUPYTER_RUNTIME_DIR": runtime, "JUPYTERLAB_WORKSPACES_DIR": tmp_path / "workspaces", "IPYTHONDIR": tmp_path / "ipython"}
    environment = os.environ | {name: str(folder) for name, folder in here.items()} | {"BROWSER": "true", "OMP_NUM_THREADS": "1"}
    us, terminal = pty.openpty()  # where standard input is no terminal, JupyterLab does not ask before it stops
    with socket.socket() as taken, said.open("wb") as out:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not listens(8888):
            taken.bind(("127.0.0.1", 8888))
            taken.listen()
        process = subprocess.Popen(["make", "lab"], cwd=ROOT, env=environment, stdin=terminal, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            found = lambda: re.search(r"http://localhost:(\d+)/lab\?token=(\w+)", said.read_text())
            wait(found, process, said)
            port, address, token = int(found()[1]), f"http://localhost:{found()[1]}", found()[2]
            assert port != 8888 and b"<title>JupyterLab</title>" in ask(address, token, "/lab")
            assert "05_losses.ipynb" in [file["name"] for file in json.loads(ask(address, token, "/api/contents"))["content"]]
            assert list(runtime.glob("jpserver-*"))
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does at Ctrl-C, once
            assert process.wait(PATIENCE * 60) in (0, -signal.SIGINT), "make itself may end by the signal"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            os.close(us), os.close(terminal)
    text = said.read_text()
    assert "Traceback" not in text and "==> make lab done" in text
    assert not listens(port) and [f.name for f in runtime.iterdir() if f.name != "jupyter_cookie_secret"] == []
    assert len(text.splitlines()) < 40, "the address must not drown in what JupyterLab logs"
