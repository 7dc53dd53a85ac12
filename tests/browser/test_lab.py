"""The lab and the puppeteer as somebody meets them: in JupyterLab, in a browser, with mouse and keyboard.

One server, one page and one kernel serve all tests, which follow one another as a visit does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

from tests.browser.conftest import PATIENCE

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


def status(page) -> str:
    return page.locator(".tlk-lab [role=status]").first.inner_text()


def step_of(page) -> int:
    return int(re.search(r"step (\d+)", status(page))[1])


def message(page) -> str:
    return page.locator(".tlk-lab [role=status]").nth(1).inner_text()


def click(page, name: str) -> None:
    page.locator(".tlk-lab").get_by_role("button", name=name, exact=True).click()


def wait(page, what, timeout: float = 90_000 * PATIENCE) -> None:
    """Until ``what`` (a regular expression) stands in one of the lab's two lines."""
    page.wait_for_function("what => [...document.querySelectorAll('.tlk-lab [role=status]')].some(e => new RegExp(what).test(e.innerText))", arg=what, timeout=timeout)


def image(page) -> str:
    return page.locator(".tlk-lab img").first.get_attribute("src")


def test_the_notebook_opens_and_trains(laboratory):
    laboratory.open("lab.ipynb", cells=3)
    page = laboratory.page
    laboratory.wait_for(".tlk-lab img")
    page.locator(".jp-OutputArea-output", has_text="the cell is done").wait_for(timeout=120_000 * PATIENCE)
    wait(page, r"step 10 ")
    laboratory.wait_for(".tlk-puppeteer img")
    laboratory.picture("1-opened")


def test_a_slider_moved_during_training_is_used_and_marked(laboratory):
    page = laboratory.page
    page.locator(".tlk-lab").scroll_into_view_if_needed()
    click(page, "▶ Run")
    page.wait_for_function("() => +document.querySelector('.tlk-lab [role=status]').innerText.match(/step (\\d+)/)[1] > 12")
    handle = page.locator(".lab-feature_matching .noUi-handle")
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    wait(page, "feature matching 0.0")
    moved = step_of(page)
    laboratory.picture("2-slider-moved")
    page.wait_for_function("n => +document.querySelector('.tlk-lab [role=status]').innerText.match(/step (\\d+)/)[1] > n + 3", arg=moved)
    assert re.search(r"used: .*feature matching 0\.0", status(page))
    laboratory.picture("3-mark-on-the-curve")


def test_pause_stands_still_and_steps_go_one_by_one(laboratory):
    page = laboratory.page
    click(page, "❚❚ Pause")
    page.wait_for_timeout(2500)
    still, picture = step_of(page), image(page)
    page.wait_for_timeout(2500)
    assert (step_of(page), image(page)) == (still, picture), "nothing moves while paused"
    for name in ("Step", "Step D", "Step G"):
        click(page, name)
        still += 1
        wait(page, rf"step {still} ")
    page.locator(".tlk-lab").get_by_role("button", name="Step", exact=True).focus()
    page.keyboard.press("Enter")
    wait(page, rf"step {still + 1} ")


def test_snapshot_and_back(laboratory):
    page = laboratory.page
    click(page, "Keep snapshot")
    wait(page, "snapshot kept at step")
    kept = step_of(page)
    click(page, "D too strong")
    click(page, "Step")
    wait(page, rf"step {kept + 1} .*D steps 10")
    click(page, "Back to snapshot")
    wait(page, f"back at step {kept}")
    assert step_of(page) == kept


def test_export_and_replay_to_the_same_numbers(laboratory, notebooks):
    page = laboratory.page
    click(page, "Export")
    wait(page, "wrote events.json")
    written = json.loads((notebooks / "events.json").read_text())
    assert [e["value"] for e in written["events"] if e["do"] == "set" and e["name"] == "feature_matching"]
    assert {"snapshot", "back", "only"} <= {e["do"] for e in written["events"]}
    click(page, "Replay")
    wait(page, "the same numbers, bit for bit", timeout=120_000 * PATIENCE)
    laboratory.picture("4-replayed")


def test_a_and_b_side_by_side(laboratory):
    page = laboratory.page
    click(page, "content only")
    click(page, "A/B")
    wait(page, "the training itself has not moved")
    laboratory.picture("5-compared")


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
    laboratory.picture("6-puppeteer")


def test_the_console_was_quiet(laboratory):
    assert laboratory.complaints == []
