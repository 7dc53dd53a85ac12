"""What a visitor of a lab does and reads on the page; shared by the tests."""

from __future__ import annotations

import re

from tests.browser.conftest import PATIENCE

STEP = r"step (\d+)"
SAID = "([lab, what]) => [...lab.querySelectorAll('[role=status]')].some(e => new RegExp(what).test(e.innerText))"
PAST = "([lab, n]) => +lab.querySelector('[role=status]').innerText.match(/step (\\d+)/)[1] > n"


class Visitor:
    """One lab of the notebook in front, the ``number``-th: its buttons, dials, two lines of text and picture."""

    def __init__(self, page, number: int = 0) -> None:
        self.page, self.lab = page, page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .tlk-lab").nth(number)

    @property
    def status(self) -> str:
        return self.lab.locator("[role=status]").first.inner_text()

    @property
    def step(self) -> int:
        return int(re.search(STEP, self.status)[1])

    @property
    def image(self) -> str:
        return self.lab.locator("img").first.get_attribute("src")

    def come(self) -> None:
        """Until the lab is there and in view."""
        self.lab.locator("img").first.wait_for(timeout=PATIENCE * 90_000)
        self.lab.scroll_into_view_if_needed()

    def button(self, name: str):
        return self.lab.get_by_role("button", name=name, exact=True)

    def click(self, name: str) -> None:
        self.button(name).click()

    def slow(self, on: bool) -> None:
        """Slow motion on or off: a breath between two steps, so that what happens in between can be seen on any machine."""
        self.lab.get_by_label("slow motion").set_checked(on)

    def dial(self, name: str) -> str:
        """What a dial reads."""
        return self.lab.locator(f".lab-{name} .widget-readout").inner_text()

    def greyed_out(self, dial: str) -> bool:
        return self.lab.locator(f".lab-{dial} .noUi-target").get_attribute("disabled") is not None

    def turn(self, dial: str, key: str, times: int) -> None:
        """Move a dial with the keyboard."""
        self.lab.locator(f".lab-{dial} .noUi-handle").focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def read(self, what: str, timeout: float = 90_000) -> None:
        """Until ``what`` (a regular expression) stands in one of the two lines."""
        self.page.wait_for_function(SAID, arg=[self.lab.element_handle(), what], timeout=PATIENCE * timeout)

    def read_past(self, step: int, timeout: float = 90_000) -> None:
        """Until the step in the line is beyond this one."""
        self.page.wait_for_function(PAST, arg=[self.lab.element_handle(), step], timeout=PATIENCE * timeout)

    def stands_still(self, milliseconds: int = 2000) -> bool:
        before = self.status, self.image
        self.page.wait_for_timeout(milliseconds)
        return (self.status, self.image) == before
