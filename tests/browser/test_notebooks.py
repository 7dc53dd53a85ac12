"""Notebooks of the course themselves, opened in JupyterLab and run from top to bottom as a reader does; then the lab
and the puppeteer in them are used with mouse and keyboard."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.browser.conftest import PATIENCE
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.timeout(600 * PATIENCE)

COURSE = Path(__file__).parents[2] / "notebooks"
POINTS, FACES, PUPPETEER = "inlab0", "inlab6", "c34"  #: cells
#: of these only what their lab needs is run: the whole of them takes minutes
LABS = {"06_meta_learning": ("c01", "c02", "c03", "c05", "inlab0", "inlab2"), "07_fine_tuning": ("c01", "c02", "c03", "c05", "inlab0", "inlab2")}


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory) -> Path:
    """Copies, whose results go to a folder beside them; the committed files are not touched."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "notebooks").mkdir()
    for name in ("05_losses", "09_puppeteering"):
        shutil.copy(COURSE / f"{name}.ipynb", folder / "notebooks")
    for name, cells in LABS.items():
        book = nbformat.read(COURSE / f"{name}.ipynb", as_version=4)
        book.cells = [cell for cell in book.cells if cell.id in cells]
        assert [cell.id for cell in book.cells] == list(cells), f"the lab of {name} has other cells now"
        nbformat.write(book, folder / "notebooks" / f"{name}.ipynb")
    return folder


def test_05_runs_from_top_to_bottom(laboratory):
    laboratory.run_all("notebooks/05_losses.ipynb")
    laboratory.show(POINTS)
    lab = Visitor(laboratory.page)
    lab.come()
    assert "❚❚ paused · step 200 " in lab.status and "on a cluster" in lab.status
    laboratory.picture("05-1-run")


def test_05_a_slider_moved_during_training_is_used_and_marked(laboratory, notebooks):
    lab = Visitor(laboratory.page)
    lab.click("▶ Run")
    lab.read_past(lab.step + 3)
    assert "▶ training" in lab.status
    lab.turn("feature_matching", "ArrowLeft", 3)
    lab.read("used: .*feature matching 0.03,")
    lab.click("❚❚ Pause")
    lab.read("❚❚ paused")
    laboratory.picture("05-2-marked")
    assert lab.stands_still(), "nothing moves while paused"


def test_05_steps_snapshot_and_back(laboratory):
    lab = Visitor(laboratory.page)
    for name in ("Step", "Step D", "Step G"):
        there = lab.step
        lab.click(name)
        lab.read(rf"paused · step {there + 1} ")
    lab.click("Keep snapshot")
    lab.read("snapshot kept at step")
    kept = lab.step
    lab.click("D too strong")
    lab.click("Step")
    lab.read(rf"paused · step {kept + 1} .*D steps 10")
    lab.click("Back to snapshot")
    lab.read(f"back at step {kept}")
    assert lab.step == kept


def test_05_export_and_replay_to_the_same_numbers(laboratory, notebooks):
    lab = Visitor(laboratory.page)
    lab.click("Export")
    lab.read("wrote ../runs/lab-of-points.json")
    written = json.loads((notebooks / "runs/lab-of-points.json").read_text())
    moved = [e for e in written["events"] if e["do"] == "set" and e["name"] == "feature_matching" and e["tick"] > 200]
    assert moved, "the slider's change is among the events"
    picture, kept = lab.image, lab.step
    lab.click("Replay")
    lab.read("the same numbers, bit for bit")
    assert lab.step == kept and lab.image != picture, "the curve of quality has more points now"
    laboratory.picture("05-3-replayed")


def test_05_the_same_dials_on_a_face(laboratory):
    laboratory.show(FACES)
    lab = Visitor(laboratory.page, 1)
    lab.come()
    before = lab.step
    lab.turn("content", "Home", 1)
    lab.click("Step")
    lab.read(rf"paused · step {before + 1} .*used: content off,")
    laboratory.picture("05-4-face")


@pytest.mark.parametrize("name", LABS)
def test_06_and_07_a_change_during_training_a_pause_and_a_replay_that_is_left(laboratory, name):
    number = name[:2]
    laboratory.run_all(f"notebooks/{name}.ipynb")
    laboratory.show("inlab0")
    lab = Visitor(laboratory.page)
    lab.come()
    first = lab.step
    assert first > 0 and "❚❚ paused" in lab.status and "SSIM" in lab.status
    lab.click("▶ Run")
    lab.read("▶ training")
    lab.turn("content", "Home", 1)
    lab.read("used: content off,")
    lab.click("❚❚ Pause")
    lab.read("❚❚ paused")
    laboratory.picture(f"{number}-1-marked")
    assert lab.stands_still(), "nothing moves while paused"
    end = lab.step
    lab.slow(True)
    lab.click("Replay")
    lab.read(r"replay: step \d+ of .* Pause stops it")
    assert lab.greyed_out("content") and lab.button("▶ Run").is_disabled() and lab.button("❚❚ Pause").is_enabled()
    laboratory.picture(f"{number}-2-replaying")
    lab.click("❚❚ Pause")
    lab.read("replay stopped after")
    assert lab.step < end and lab.stands_still() and not lab.greyed_out("content")
    laboratory.picture(f"{number}-3-replay-left")
    lab.slow(False)
    lab.click("Replay")
    lab.read("the same numbers, bit for bit")
    assert lab.step == end
    laboratory.picture(f"{number}-4-replayed")
    lab.click("A/B")
    lab.read("A/B: run A")
    lab.click("❚❚ Pause")
    lab.read(f"A/B stopped: run A took \\d+ of \\d+ steps, .* drawn below .* stands at step {end}")
    assert lab.stands_still() and lab.step == end and lab.lab.locator("img").count() == 2, "what the runs have done is on the page"
    assert re.search(r"after step \d+ .* →", lab.lab.inner_text()), "and every mark is told in words"


def test_09_runs_and_the_head_follows(laboratory):
    page = laboratory.page
    laboratory.run_all("notebooks/09_puppeteering.ipynb")
    laboratory.show(PUPPETEER)
    puppet = page.locator(".tlk-puppeteer")
    puppet.locator("img").nth(1).wait_for(timeout=PATIENCE * 90_000)
    puppet.scroll_into_view_if_needed()
    face = lambda: puppet.locator("img").nth(1).get_attribute("src")
    changed = "([puppet, old]) => puppet.querySelectorAll('img')[1].src !== old"
    before = face()
    puppet.locator(".puppet-yaw .noUi-handle").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(changed, arg=[puppet.element_handle(), before], timeout=PATIENCE * 30_000)
    turned = face()
    puppet.get_by_role("button", name="FF", exact=True).click()
    page.wait_for_function(changed, arg=[puppet.element_handle(), turned], timeout=PATIENCE * 30_000)
    puppet.get_by_text(re.compile("T = 8, FF")).wait_for()
    laboratory.picture("09-1-puppeteer")
    puppet.get_by_role("button", name="Reset", exact=True).click()
    puppet.locator(".puppet-yaw .widget-readout", has_text=re.compile("^0$")).wait_for()


def test_the_console_was_quiet(laboratory):
    assert laboratory.complaints == []
