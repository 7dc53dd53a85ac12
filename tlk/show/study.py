"""``StudyWidget``: the user study's question on a page. Three images, one of them generated: which?"""

from __future__ import annotations

import time
from html import escape

from ipywidgets import HTML, Button, HBox, Layout, VBox
from ipywidgets import Image as Picture
from matplotlib.figure import Figure

from tlk.evaluation.answers import Study, study_table

from .pieces import png

SIDE = 220  #: pixels of each image on the page


class StudyWidget:
    """Asks a ``tlk.evaluation.Study``; every answer is on the disk before the next question is shown.

        asked = StudyWidget(Study(triplets, "answers-anna.csv", rater="anna")); display(asked.widget)

    Nothing about the systems, and nothing of whether an answer was right, is shown before the last one.
    """

    def __init__(self, study: Study) -> None:
        self.study, self._shown_at = study, 0.0
        self.images = [Picture(format="png", width=SIDE, height=SIDE) for _ in range(3)]
        self.buttons = [Button(description=f"Image {n + 1}", tooltip=f"image {n + 1} is the generated one", layout=Layout(width=f"{SIDE}px")) for n in range(3)]
        for n, button in enumerate(self.buttons):
            button.on_click(lambda _, n=n: self.answer(n))
        self.line, self.result = HTML(), HTML()
        self.widget = VBox([self.line, HBox([VBox([i, b]) for i, b in zip(self.images, self.buttons)]), self.result])
        self.widget.add_class("tlk-study")
        self.show()

    def answer(self, chosen: int) -> None:
        """What a click does: image 0, 1 or 2 is the fake. Nothing happens after the last question."""
        if self.study.current is not None:
            self.study.answer(chosen, time.monotonic() - self._shown_at)
            self.show()

    def show(self) -> None:
        """The question at hand, or at the end the accuracy of each system with its interval."""
        triplet, (done, total) = self.study.current, self.study.progress
        for button in self.buttons:
            button.disabled = triplet is None
        if triplet is None:
            self.line.value = f"<div role='status'>All {total} answered, thank you. The answers are in {self.study.path}.</div>"
            self.result.value = as_page(study_table(self.study.answers))
            return
        kept = "" if done == 0 else f"Answer {done} is kept. "
        self.line.value = f"<div role='status'>{kept}Question {done + 1} of {total}: two of these are real, one was generated. <b>Which one was generated?</b></div>"
        for picture, image in zip(self.images, triplet.images):
            picture.value = png(image.float() / 255)
        self._shown_at = time.monotonic()

    def still(self) -> Figure:
        """The question as a picture, for a page without a kernel. Raises ValueError at the end."""
        if self.study.current is None:
            raise ValueError("all questions are answered; a still picture shows a question")
        figure = Figure((5.2, 2.0), dpi=80)
        for n, (axis, image) in enumerate(zip(figure.subplots(1, 3), self.study.current.images)):
            axis.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
            axis.set_title(f"image {n + 1}", fontsize=8)
            axis.axis("off")
        figure.suptitle("Two of these are real, one was generated: which?", fontsize=9)
        return figure


def as_page(markdown: str) -> str:
    """A markdown table and the lines about it as HTML."""
    page, rows = "", 0
    for line in markdown.splitlines():
        if not line.startswith("|"):
            page, rows = page + ("</table>" if rows else "") + f"<p>{escape(line)}</p>", 0
        elif set(line) - set("|- :"):  # the rule below the head is not
            tag = "td" if rows else "th"
            cells = "".join(f"<{tag} style='padding: 2px 12px 2px 0; text-align: left'>{escape(c.strip())}</{tag}>" for c in line.strip("|").split("|"))
            page, rows = page + ("" if rows else "<table>") + f"<tr>{cells}</tr>", rows + 1
    return page + ("</table>" if rows else "")
