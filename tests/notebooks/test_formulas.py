"""Formulas of the notebooks are ones that MathJax sets, and survive the Markdown around them.

Every command below was seen to render with MathJax 3 (packages base and ams, as JupyterLab and GitHub have them). A new one may be
added once it was looked at on a page; a misspelt one is found here, offline.
"""

import html
import json
import re
from pathlib import Path

import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")
KNOWN = set(
    COMMAND.findall(
        r"""\mathrm \mathcal \text \mathop \overline \underbrace \bar \hat \tilde \frac \tfrac \sqrt \sum \log \max \cdot \dots \partial
        \alpha \beta \gamma \delta \Delta \varepsilon \ell \lambda \mu \psi \phi \varphi \Phi \rho \sigma \Sigma \theta \omega
        \le \ge \ne \in \notin \sim \approx \pm \to \leftarrow \Longleftrightarrow \mid \top \langle \rangle \lVert \rVert \left \right
        \big \Big \quad \qquad \, \; \! \{ \} \| \% \_ \\ \ """
    )
)
PROSE = re.compile(r"(?s)```.*?```|`[^`\n]*`")
DISPLAY, INLINE = re.compile(r"(?s)\$\$(.+?)\$\$"), re.compile(r"\$([^$]+)\$")


def formulas(text: str) -> tuple[list[tuple[str, bool]], str]:
    """The formulas of a Markdown text, each with whether it is set apart, and what is left of the text; code is neither."""
    found, rest = [], PROSE.sub("", text)
    for pattern in (DISPLAY, INLINE):
        found += [(formula, pattern is DISPLAY) for formula in pattern.findall(rest)]
        rest = pattern.sub("", rest)
    return found, rest


def faults(text: str) -> list[str]:
    """What a reader would see instead of formulas."""
    found, rest = formulas(text)
    complaints = ["a $ without its partner"] * ("$" in rest) + ["LaTeX outside of $…$"] * bool(re.search(r"\\(frac|hat|sum|mathrm|text|sigma|psi)\b", rest))
    for formula, display in found:
        complaints += [f"{complaint}: {formula.strip()}" for complaint in broken(formula, display)]
    page = html.unescape(markdown2html_mistune(text))
    return complaints + [f"Markdown changes the formula: {f.strip()}" for f, _ in found if squeezed(f) not in squeezed(page)]


def broken(formula: str, display: bool) -> list[str]:
    commands = COMMAND.findall(formula)
    bare = re.sub(r"\\[{}]", "", formula)
    depths, depth = [], 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        depths.append(depth)
    return [
        *(["an unknown command " + c for c in commands if c not in KNOWN]),
        *(["braces that do not pair"] if depth or min(depths, default=0) < 0 else []),
        *([r"\left without \right"] if commands.count(r"\left") != commands.count(r"\right") else []),
        *(["two indices at one letter"] if re.search(r"_(\w|\{[^{}]*\})_|\^(\w|\{[^{}]*\})\^", formula) else []),
        *(["letters that LaTeX should write, such as \\psi: " + "".join(sorted(set(re.findall(r"[^\x00-\x7f]", formula))))] if not formula.isascii() else []),
        *(["an empty line in it"] if re.search(r"\n\s*\n", formula) else []),
        *(["a space inside its dollars, which GitHub takes for prose"] if "\n" not in formula and formula[:1] + formula[-1:] != (formula[:1] + formula[-1:]).strip() and not display else []),
    ]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_formulas_are_set(path):
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "markdown"]
    assert [f"{c['id']}: {complaint}" for c in cells for complaint in faults("".join(c["source"]))] == []


def test_there_are_formulas():
    texts = ["".join(c["source"]) for p in NOTEBOOKS for c in json.loads(p.read_text())["cells"] if c["cell_type"] == "markdown"]
    assert sum(len(formulas(text)[0]) for text in texts) > 80


@pytest.mark.parametrize(
    "text, complaint",
    [
        (r"$\hta e$", r"an unknown command \hta"),
        (r"$\frac{1}{2$", "braces that do not pair"),
        (r"$}{$", "braces that do not pair"),
        (r"$$\left| a |$$", r"\left without \right"),
        ("$a_i_j$", "two indices"),
        ("costs $5 and more", "a $ without its partner"),
        (r"so \hat e = 1", r"LaTeX outside"),
        ("$$a\n\n= b$$", "an empty line"),
        ("if $ a = b $ holds", "a space inside its dollars"),
        ("over $\\text{all ψ}$", "letters that LaTeX should write"),
    ],
)
def test_what_would_not_be_set_is_found(text, complaint):
    assert any(complaint in fault for fault in faults(text)), faults(text)


def test_sound_formulas_pass():
    assert faults("So $\\hat\\psi = P\\hat e$ and, `$x$` aside,\n\n$$x_{i,j} \\in \\{0, 1\\}, \\quad \\|a\\|_1 * b * c_d < 1$$\n\n| $a_1$ | $b_2$ |\n| --- | --- |\n| $c$ | d |\n") == []
