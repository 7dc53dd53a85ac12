"""The lab and the puppeteer as somebody meets them: in JupyterLab, in a browser, with mouse and keyboard.

One server, one page and one kernel serve all tests, which follow one another as a visit does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

from tests.browser.conftest import PATIENCE, SETTINGS
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.timeout(600 * PATIENCE)

LAB = """
import asyncio
from tlk.learning.toy import ToyGAN
from tlk.show import LossLab
lab = LossLab(ToyGAN(seed=0, batch=64), export_to="events.json", compare_steps=15)
display(lab.widget)
"""
WAIT = 'await lab.run(10)\nprint("the cell is done")'
PUPPETEER = """
import tlk
from tlk.data import heads
from tlk.show import Puppeteer
puppet = Puppeteer(tlk.load(), heads.render(heads.Person(2000003), heads.Motion(5, 4, fps=4), 64), (1, 4), epochs=1)
display(puppet.widget)
"""


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (LAB, WAIT, PUPPETEER)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}), folder / "lab.ipynb")
    return folder


@pytest.fixture
def lab(laboratory) -> Visitor:
    return Visitor(laboratory.page)


def test_the_notebook_opens_and_trains(laboratory, lab):
    laboratory.open("lab.ipynb", cells=3)
    page = laboratory.page
    laboratory.wait_for(".tlk-lab img")
    page.locator(".jp-OutputArea-output", has_text="the cell is done").wait_for(timeout=120_000 * PATIENCE)
    lab.read("paused · step 10 ")
    laboratory.wait_for(".tlk-puppeteer img")
    laboratory.picture("1-opened")


def test_a_small_window_holds_dials_and_picture(laboratory, lab):
    page = laboratory.page
    usual = page.viewport_size
    page.set_viewport_size({"width": 1366, "height": 768})
    page.wait_for_timeout(1000)
    assert lab.lab.bounding_box()["height"] <= page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer").bounding_box()["height"]
    page.set_viewport_size(usual)


def test_a_slider_moved_during_training_is_used_and_marked(laboratory, lab):
    lab.come()
    lab.click("▶ Run")
    lab.read_past(12)
    lab.turn("feature_matching", "ArrowLeft", 3)
    lab.read("feature matching 0.0")
    laboratory.picture("2-slider-moved")
    lab.read(r"used: .*feature matching 0\.0")
    laboratory.picture("3-mark-on-the-curve")


def test_pause_stands_still_and_steps_go_one_by_one(laboratory, lab):
    lab.click("❚❚ Pause")
    lab.read("❚❚ paused")
    assert lab.stands_still(), "nothing moves while paused"
    still = lab.step
    for name in ("Step", "Step D", "Step G"):
        lab.click(name)
        still += 1
        lab.read(rf"paused · step {still} ")
    lab.lab.get_by_role("button", name="Step", exact=True).focus()
    laboratory.page.keyboard.press("Enter")
    lab.read(rf"paused · step {still + 1} ")


def test_snapshot_and_back(lab):
    lab.click("Keep snapshot")
    lab.read("snapshot kept at step")
    kept = lab.step
    lab.click("D too strong")
    lab.click("Step")
    lab.read(rf"step {kept + 1} .*D steps 10")
    lab.click("Back to snapshot")
    lab.read(f"back at step {kept}")
    assert lab.step == kept


def test_export_and_replay_to_the_same_numbers(laboratory, lab, notebooks):
    lab.click("Export")
    lab.read("wrote events.json")
    written = json.loads((notebooks / "events.json").read_text())
    assert [e["value"] for e in written["events"] if e["do"] == "set" and e["name"] == "feature_matching"]
    assert {"snapshot", "back", "only"} <= {e["do"] for e in written["events"]}
    lab.click("Replay")
    lab.read("the same numbers, bit for bit", timeout=120_000)
    laboratory.picture("4-replayed")


def test_a_dial_moved_during_a_replay_does_nothing_and_pause_stops_it(laboratory, lab):
    end = lab.step
    lab.slow(True)
    lab.click("Replay")
    lab.read(r"replay: step \d+ of .* Pause stops it")
    before = lab.dial("content")
    lab.turn("content", "ArrowLeft", 3)
    assert lab.greyed_out("content") and lab.dial("content") == before
    lab.click("❚❚ Pause")
    lab.read("replay stopped after")
    assert lab.step < end and lab.stands_still()
    laboratory.picture("5-replay-left")
    lab.slow(False)
    lab.click("Replay")
    lab.read("the same numbers, bit for bit", timeout=120_000)
    assert lab.step == end


def test_a_and_b_side_by_side(laboratory, lab):
    lab.click("content only")
    lab.click("A/B")
    lab.read("drawn below \\(scroll down\\); the training itself has not moved")
    laboratory.picture("6-compared")


def test_the_head_follows_the_slider(laboratory):
    page = laboratory.page
    page.locator(".tlk-puppeteer").scroll_into_view_if_needed()
    face = lambda: page.locator(".tlk-puppeteer img").nth(1).get_attribute("src")
    before = face()
    page.locator(".puppet-yaw .noUi-handle").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelectorAll('.tlk-puppeteer img')[1].src !== old", arg=before)
    page.locator(".tlk-puppeteer").get_by_role("button", name="FT", exact=True).click()
    page.get_by_text("FT is not trained yet").wait_for()
    page.locator(".tlk-puppeteer").get_by_role("button", name="Train FT", exact=True).click()
    page.get_by_text(re.compile(r"T = 4, FT ")).wait_for(timeout=120_000 * PATIENCE)
    laboratory.picture("7-puppeteer")


def test_jupyterlab_asks_nothing(laboratory):
    """Whether one would like to get its news, over the corner of the page where the lab's picture is."""
    assert "--LabApp.app_settings_dir=$(CURDIR)/notebooks/.lab" in (SETTINGS.parents[1] / "Makefile").read_text(), "the settings that these tests use"
    assert laboratory.page.locator(".Toastify__toast").all_inner_texts() == []


def test_the_console_was_quiet(laboratory):
    assert laboratory.complaints == []
