"""The study's widget without a browser."""

import pytest
import torch

from tlk.evaluation.answers import Study, read_answers
from tlk.evaluation.study import Triplet
from tlk.show import StudyWidget
from tlk.show.study import as_page


def triplets(count: int = 3) -> list[Triplet]:
    g = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 3, 16, 16), generator=g, dtype=torch.uint8)
    return [Triplet(n, f"person-{n}", "ours", 8, images[n], n % 3) for n in range(count)]


def test_clicks_are_kept_and_nothing_is_given_away_before_the_end(tmp_path):
    asked = StudyWidget(Study(triplets(), tmp_path / "anna.csv", rater="anna"))
    for n in range(3):
        assert f"Question {n + 1} of 3" in asked.line.value and asked.result.value == "" and "ours" not in asked.line.value
        assert len(asked.still().axes) == 3
        before = bytes(asked.images[0].value)
        asked.buttons[asked.study.current.fake].click()
        assert n == 2 or bytes(asked.images[0].value) != before
        assert len(read_answers(tmp_path / "anna.csv")) == n + 1
    assert all(a.right and a.seconds >= 0 for a in asked.study.answers)
    assert ">ours</td>" in asked.result.value and "|" not in asked.result.value and all(b.disabled for b in asked.buttons)
    asked.answer(0)  # a late click changes nothing
    assert len(asked.study.answers) == 3
    with pytest.raises(ValueError, match="all questions are answered"):
        asked.still()


def test_it_goes_on_where_it_stopped(tmp_path):
    StudyWidget(Study(triplets(), tmp_path / "a.csv", rater="a")).answer(1)
    assert "Question 2 of 3" in StudyWidget(Study(triplets(), tmp_path / "a.csv", rater="a")).line.value


def test_the_result_is_a_table_and_not_its_source():
    page = as_page("| system | T |\n| --- | --- |\n| a<b | 8 |\n\nChance is 0.33.")
    assert page.count("<th ") == page.count("<td ") == 2 and page.count("<table>") == page.count("</table>") == 1
    assert ">a&lt;b</td>" in page and "---" not in page and page.endswith("<p>Chance is 0.33.</p>")
