"""JupyterLab on a folder of notebooks, and a page of Debian's Chromium; skipped with the reason where one is missing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
PATIENCE = float(os.environ.get("TLK_PATIENCE", 1))  #: factor of every waiting time, for machines that do much else
#: what JupyterLab itself logs without a network, or about its own settings
HARMLESS = ("favicon", "net::ERR_INTERNET_DISCONNECTED", "net::ERR_NAME_NOT_RESOLVED", "/api/me", "lsp")
SETTINGS = Path(__file__).parents[2] / "notebooks" / ".lab"  #: as `make lab` has them
OPTIONS = ("--no-browser", "--allow-root", "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
           f"--LabApp.app_settings_dir={SETTINGS}", "--LabApp.extension_manager=readonly")  # fmt: skip

CONNECTED = """name => {
  const kernel = jupyterapp.shell.currentWidget?.context?.path === name && jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
  return kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
OUTCOME = """() => {
  const code = jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code');
  for (const cell of code)
    for (let i = 0; i < cell.model.outputs.length; i++)
      if (cell.model.outputs.get(i).type === 'error') return cell.model.id + ': ' + cell.model.outputs.get(i).toJSON().evalue;
  return code.every(c => c.model.executionCount && c.model.executionState !== 'running') && code.every(c => c.prompt !== '*') ? 'done' : null;
}"""
SHOW_CELL = """id => {
  const book = jupyterapp.shell.currentWidget.content;
  book.activeCellIndex = book.widgets.findIndex(c => c.model.id === id);
  return book.scrollToItem(book.activeCellIndex, 'start');
}"""


class Laboratory:
    """An open JupyterLab: ``open(name)`` shows a notebook and runs it; ``errors`` is what the console complained of."""

    def __init__(self, page, address: str, pictures: Path) -> None:
        self.page, self.address, self.pictures, self.errors = page, address, pictures, []
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("console", lambda m: self.errors.append(m.text + " " + str(m.location.get("url", ""))) if m.type == "error" else None)

    def open(self, name: str, cells: int) -> None:
        """Show a notebook with so many code cells and run them; JupyterLab adds cells to the page one by one."""
        self.page.goto(f"{self.address}/lab/tree/{name}", timeout=PATIENCE * 120_000)
        self.page.wait_for_function("n => document.querySelectorAll('.jp-Notebook .jp-CodeCell').length >= n", arg=cells, timeout=PATIENCE * 120_000)
        self.page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached", timeout=PATIENCE * 180_000)
        self._run_first()
        for _ in range(cells - 1):
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(300)

    def _run_first(self) -> None:
        """Until the first cell has a star or a number: while JupyterLab still connects to the kernel, a key press is lost."""
        for _ in range(int(20 * PATIENCE)):
            self.page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(3000)
            if re.search(r"\[(\*|\d+)\]", self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").first.inner_text()):
                return
        raise RuntimeError("the first cell cannot be run: no kernel answers")

    def run_all(self, name: str, timeout: float = 300_000) -> None:
        """Show a notebook of any length and run it from the menu; a cell that fails is an AssertionError with what it said."""
        self.page.goto(f"{self.address}/lab/tree/{name}", timeout=PATIENCE * 120_000)
        self.page.wait_for_function(CONNECTED, arg=name, timeout=PATIENCE * 180_000)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")  # with the numbers of the last run
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")
        found = self.page.wait_for_function(OUTCOME, timeout=PATIENCE * timeout, polling=500).json_value()
        assert found == "done", found

    def show(self, cell: str) -> None:
        """Bring a cell, by its id, to the top of the window; JupyterLab keeps only what is near it on the page."""
        self.page.evaluate(SHOW_CELL, cell)

    def wait_for(self, selector: str, timeout: float = 240_000) -> None:
        """Until it is on the page; a cell that fails ends the wait with what it said."""
        failed = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
        self.page.wait_for_selector(f"{selector}, {failed}", timeout=PATIENCE * timeout)
        assert self.page.locator(failed).count() == 0, self.page.locator(failed).first.inner_text()

    def picture(self, name: str) -> None:
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{name}.png")

    @property
    def complaints(self) -> list[str]:
        return [e for e in self.errors if not any(h in e for h in HARMLESS)]


@pytest.fixture(scope="module")
def laboratory(notebooks: Path, tmp_path_factory) -> Iterator[Laboratory]:
    """``notebooks``, a fixture of the test's module, is the folder that is opened."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: on Debian, apt-get install chromium")
    pictures = Path(os.environ.get("TLK_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    with server(notebooks) as address, playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1400, "height": 1500})
        page.set_default_timeout(PATIENCE * 90_000)
        found = Laboratory(page, address, pictures)
        yield found
        found.picture("0-at-the-end")
        browser.close()


class server:
    """JupyterLab without a token on a free port of this machine, for as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / ".workspaces")}
        environment |= {"JUPYTER_CONFIG_DIR": str(self.folder / ".config"), "JUPYTER_RUNTIME_DIR": str(self.folder / ".runtime"), "IPYTHONDIR": str(self.folder / ".ipython")}
        command = [sys.executable, "-m", "jupyterlab", *OPTIONS, f"--ServerApp.port={port}", f"--ServerApp.root_dir={self.folder}"]
        self.log = (self.folder / "server.log").open("w")
        self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        address, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE * 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).read()
                return address
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"JupyterLab did not start: {(self.folder / 'server.log').read_text()[-2000:]}") from None
                time.sleep(0.3)

    def __exit__(self, *_) -> None:
        """The kernels go with the server: they are in its process group."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.log.close()
