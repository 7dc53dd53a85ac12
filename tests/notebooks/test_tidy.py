"""What is committed of an executed notebook."""

import json

import pytest

from notebooks.tidy import WIDGET, tidy


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
