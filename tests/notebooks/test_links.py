"""Every relative link and anchor in pages and notebooks leads somewhere; links to the web have a proper form. Offline."""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from notebooks.links import EXTERNAL, anchors, links, target_of

ROOT = Path(__file__).parents[2]
LISTED = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", "*.ipynb"], cwd=ROOT, capture_output=True, text=True, check=True)
PAGES = sorted(p for name in LISTED.stdout.split("\n") if name and (p := ROOT / name).is_file())


def markdown(page: Path) -> str:
    """A page's text; of a notebook, its Markdown cells."""
    if page.suffix != ".ipynb":
        return page.read_text()
    return "\n\n".join("".join(c["source"]) for c in json.loads(page.read_text())["cells"] if c["cell_type"] == "markdown")


def broken(page: Path, root: Path = ROOT) -> list[str]:
    return [f"{page.name}: {link}: {why}" for link in links(markdown(page)) if (why := fault(link, page, root))]


def fault(link: str, page: Path, root: Path) -> str:
    """What is wrong with a link, or ""."""
    if EXTERNAL.match(link):
        return malformed(link)
    path, anchor = target_of(link, page)
    if not path.is_relative_to(root):
        return "leaves the repository"
    if not path.exists():
        return "no such file"
    if not anchor:
        return ""
    if path.suffix not in (".md", ".ipynb"):
        return "only pages and notebooks have anchors"
    return "" if anchor in anchors(markdown(path), path.suffix == ".ipynb") else "no such anchor"


def malformed(link: str) -> str:
    if link.startswith("mailto:"):
        return "" if re.fullmatch(r"mailto:[^@\s]+@[^@\s]+\.[a-z]+", link) else "not a mail address"
    parts = urlsplit(link)
    if parts.scheme not in ("https", "http"):
        return f"a link by {parts.scheme}:"
    return "" if re.fullmatch(r"([\w-]+\.)+[a-z]{2,}(:\d+)?", parts.netloc) else "no proper host name"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert broken(page) == []


def test_the_pages_that_readers_see_are_among_them():
    assert {"README.md", "MODEL_CARD.md", "DATA_CARD.md", "NOTICE.md"} <= {p.name for p in PAGES}


@pytest.mark.parametrize(
    "text, why",
    [
        ("[a](other.md)", "other.md: no such file"),
        ('<img src="gone.png">', "gone.png: no such file"),
        ("![a](../../secret.png)", "leaves the repository"),
        ("[a](#two)", "#two: no such anchor"),
        ("[a](book.ipynb#Half-a-title)", "no such anchor"),
        ("[a](data.csv#x)", "only pages"),
        ("[a](https://example)", "no proper host name"),
        ("[a](ftp://example.org/x)", "a link by ftp:"),
        ("[a](mailto:nobody)", "not a mail address"),
    ],
)
def test_a_broken_link_is_found(tmp_path, text, why):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "data.csv").touch()
    book = {"cells": [{"cell_type": "markdown", "source": ["# A title\n", "\n", "## 1 · Half `x`"]}, {"cell_type": "code", "source": "# Not"}]}
    (folder / "book.ipynb").write_text(json.dumps(book))
    page = folder / "page.md"
    page.write_text("# One: *it's*\n[a](#one-its) [b](book.ipynb#A-title) [c](book.ipynb#1-·-Half-x) [d](data.csv) `[e](gone.md)`\n```\n[f](gone.md)\n```\n[g](https://example.org/a_(b))")
    assert broken(page, folder) == []
    page.write_text(page.read_text() + "\n\n" + text)
    (found,) = broken(page, folder)
    assert why in found
