"""Make an executed notebook fit for git: the committed sources with fresh outputs, and nothing that changes run by run."""

from __future__ import annotations

import itertools
import json

LIMIT = 300_000  # bytes; GitHub shows notebooks slowly beyond that
WIDGET = "application/vnd.jupyter.widget-view+json"


def tidy(executed: dict, committed: dict) -> str:
    """The committed notebook with the executed one's outputs, as text.

    Papermill's injected cell and metadata go, and so does ``metadata.widgets`` (GitHub refuses notebooks with a
    part of it) with the live widgets themselves: a cell's still pictures stay.
    ValueError when the two notebooks do not have the same cells, or when the result is over 300 kB.
    """
    cells = [c for c in executed["cells"] if "injected-parameters" not in c["metadata"].get("tags", [])]
    if [c["source"] for c in map(joined, cells)] != [c["source"] for c in map(joined, committed["cells"])]:
        raise ValueError("the executed notebook has other cells than the committed one: it was edited during the run; run again")
    counts = itertools.accumulate(cell["cell_type"] == "code" for cell in cells)
    fresh = {**committed, "cells": [with_outputs(*pair) for pair in zip(committed["cells"], cells, counts)]}
    fresh["metadata"] = {k: v for k, v in committed["metadata"].items() if k not in ("widgets", "papermill")}
    text = json.dumps(fresh, indent=1, ensure_ascii=False) + "\n"
    if len(text.encode()) > LIMIT:
        raise ValueError(f"the notebook would be {len(text.encode()) / 1000:.0f} kB, over {LIMIT // 1000} kB: make its pictures smaller")
    return text


def joined(cell: dict) -> dict:
    return {**cell, "source": "".join(cell["source"])}


def with_outputs(old: dict, new: dict, count: int) -> dict:
    """A code cell with the outputs of the run, numbered as if it were run top to bottom; others as they are."""
    if old["cell_type"] != "code":
        return old
    outputs = [clean(output, count) for output in new["outputs"] if not transient(output)]
    return {**old, "outputs": outputs, "execution_count": count}


def transient(output: dict) -> bool:
    """Progress bars and warnings (stderr), live widgets, which show nothing without their kernel, and videos, which GitHub does not play."""
    data = output.get("data", {})
    return output.get("name") == "stderr" or WIDGET in data or "<video" in "".join(data.get("text/html", ""))


def without_overwritten(book: dict, resources: dict) -> tuple[dict, dict]:
    """For nbconvert: of streams only what a terminal shows in the end, so that a progress bar is one line and not hundreds."""
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = as_in_a_terminal(cell["outputs"])
    return book, resources


def as_in_a_terminal(outputs: list[dict]) -> list[dict]:
    """Outputs without text that a carriage return let others overwrite, and without streams that are empty then.

    A cell's stderr comes in one piece, where its last part was: a bar goes on in its line although stdout came in between.
    """
    errors = [n for n, o in enumerate(outputs) if o.get("name") == "stderr"]
    merged = [type(o)(o) for o in outputs]
    if errors:
        merged[errors[-1]]["text"] = "".join(outputs[n]["text"] for n in errors)
    kept = [o for n, o in enumerate(merged) if n not in errors[:-1]]
    for output in kept:
        if output["output_type"] == "stream":
            output["text"] = "\n".join(map(shown, output["text"].split("\n")))
    return [o for o in kept if o["output_type"] != "stream" or o["text"].strip()]


def shown(line: str) -> str:
    """What is left to see of a line: what comes after its last carriage return, but for one at the end."""
    return line.rstrip("\r").rpartition("\r")[2].rstrip() if "\r" in line else line


def clean(output: dict, count: int) -> dict:
    fixed = {"metadata": {}} if "metadata" in output else {}
    fixed |= {"execution_count": count} if "execution_count" in output else {}
    return {**output, **fixed}
