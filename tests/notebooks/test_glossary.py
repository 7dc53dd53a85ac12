"""Every code reference of the glossary exists, and so does each notebook it names once the course has it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "notebooks" / name).read_text() for name in ("GLOSSARY.md",)}


def references(text: str) -> list[str]:
    """What is in code quotes and names something of tlk or a file."""
    return [code for code in re.findall(r"`([^`]+)`", text) if re.fullmatch(r"tlk(\.\w+)+|[\w./]+/[\w.]+\.\w+", code)]


def missing(reference: str) -> bool:
    if "/" in reference:
        return not (ROOT / reference).is_file()
    names = reference.split(".")
    for n in range(len(names), 0, -1):
        try:
            thing = import_module(".".join(names[:n]))
        except ModuleNotFoundError:
            continue
        return not has(thing, names[n:])
    return True


def has(thing: object, names: list[str]) -> bool:
    """Whether an attribute of an attribute … is there; a dataclass's field counts."""
    if not names:
        return True
    first, *rest = names
    fields = getattr(thing, "__dataclass_fields__", {})
    return (first in fields and not rest) or (hasattr(thing, first) and has(getattr(thing, first), rest))


@pytest.mark.parametrize("name", PAGES)
def test_every_reference_exists(name):
    assert [r for r in references(PAGES[name]) if missing(r)] == []
    assert len(references(PAGES[name])) > 40


@pytest.mark.parametrize("reference", ["tlk.networks.Encoder", "tlk.data.Clip.pictures", "tlk.presets.Preset.kk", "tlk.nets", "notebooks/walk.py"])
def test_a_reference_to_nothing_is_found(reference):
    assert references(f"| `{reference}` |") == [reference] and missing(reference)


def test_symbols_of_the_method_are_all_there():
    assert all(f"| {symbol}" in PAGES["GLOSSARY.md"] for symbol in ("ê", "ψ̂", "ψ′", "W, W_i", "w0, b", "w′", "L_CNT", "L_FM", "L_ADV", "L_MCH", "L_DSC"))


def test_rows_have_the_columns_of_their_table():
    for block in re.findall(r"(?m)(?:^\|.*\n)+", PAGES["GLOSSARY.md"]):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block[:200]
