"""Links in Markdown text, and the anchors that headings make."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"""\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|<(?:a|img|source|video)\b[^>]*?\b(?:href|src)=["']([^"']+)["']""")
FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.M)
EXTERNAL = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)


def links(markdown: str) -> list[str]:
    """The targets of all links and pictures, in order; none from code."""
    text = CODE.sub("`", FENCE.sub("", markdown))
    return [a or b for a, b in LINK.findall(text)]


def relative(markdown: str) -> list[str]:
    """Those that stay in this repository."""
    return [target for target in links(markdown) if not EXTERNAL.match(target)]


def anchors(markdown: str, notebook: bool = False) -> set[str]:
    """What ``#…`` may point at: headings as GitHub names them (Jupyter: the words with hyphens for spaces) and explicit ids."""
    text = FENCE.sub("", markdown)
    found = set(re.findall(r"""<\w+[^>]*?\b(?:id|name)=["']([^"']+)["']""", text))
    for heading in HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        name = plain.replace(" ", "-") if notebook else re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(name if name not in found else f"{name}-{sum(f.startswith(name) for f in found)}")
    return found


def target_of(link: str, page: Path) -> tuple[Path, str]:
    """(file, anchor) that a relative link on a page points at; the anchor is "" without ``#``."""
    from urllib.parse import unquote

    path, _, anchor = link.partition("#")
    return ((page.parent / unquote(path)).resolve() if path else page), unquote(anchor)
