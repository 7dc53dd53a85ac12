"""What is committed of an executed notebook."""

import json

import pytest

from notebooks.tidy import WIDGET, as_in_a_terminal, tidy


def cell(source, outputs=(), **metadata):
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": list(outputs), "execution_count": 7}


def display(data):
    return {"output_type": "display_data", "data": data, "metadata": {"run": 1}}


def tidied(outputs, executed_metadata=None):
    executed = {"cells": [cell("injected", tags=["injected-parameters"]), cell("a", outputs)], "metadata": executed_metadata or {}}
    committed = {"cells": [cell("a")], "metadata": {"kernelspec": {}}, "nbformat": 4}
    return json.loads(tidy(executed, committed))


def test_widgets_go_and_pictures_stay():
    result = tidied([display({WIDGET: {}, "text/plain": "Image()"}), display({"image/png": "abc"})], {"widgets": {"state": {}}, "papermill": {}})
    assert result["metadata"] == {"kernelspec": {}}
    assert result["cells"][0]["outputs"] == [{"output_type": "display_data", "data": {"image/png": "abc"}, "metadata": {}}]


def test_a_large_notebook_is_refused():
    with pytest.raises(ValueError, match="over 300 kB"):
        tidied([display({"image/png": "a" * 300_000})])


def test_a_notebook_edited_meanwhile_is_refused():
    with pytest.raises(ValueError, match="edited during the run"):
        tidy({"cells": [cell("b")], "metadata": {}}, {"cells": [cell("a")], "metadata": {}})


def test_videos_go_since_github_does_not_play_them():
    video = display({"text/html": ["<video controls", " src=...>"], "text/plain": "Video"})
    assert tidied([video, display({"text/html": "<b>x</b>"})])["cells"][0]["outputs"] == [{**display({"text/html": "<b>x</b>"}), "metadata": {}}]


def stream(text, name="stderr"):
    return {"output_type": "stream", "name": name, "text": text}


@pytest.mark.parametrize(
    "outputs, left",
    [
        ([stream("\r 0%|  |\r50%|# |\r100%|##|\n")], [stream("100%|##|\n")]),
        ([stream("\r 0%|  |"), stream("step 1\n", "stdout"), stream("\r50%|# |"), stream("\r100%|##|\nok\n")], [stream("step 1\n", "stdout"), stream("100%|##|\nok\n")]),
        ([stream("50%|# |\r       \r"), stream("done\n", "stdout")], [stream("done\n", "stdout")]),
        ([stream("a\r\nb\r\n", "stdout")], [stream("a\nb\n", "stdout")]),
        ([stream("a warning\n"), display({"image/png": "abc"})], [stream("a warning\n"), display({"image/png": "abc"})]),
        ([stream("1\n", "stdout"), display({}), stream("2\n", "stdout")], [stream("1\n", "stdout"), display({}), stream("2\n", "stdout")]),
    ],
)
def test_what_a_carriage_return_overwrote_goes(outputs, left):
    assert as_in_a_terminal(outputs) == left
