"""The house rules as functions from text to complaints, so that each can be shown to fail (test_house.py)."""

from __future__ import annotations

import ast
import json
import re

FLOORS = ("landmarks", "data", "networks", "losses", "learning", "evaluation", "show")
CELLAR = ("presets", "files", "weights_cache")  # under all floors: modules that anyone may import
UNPICKLE = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")


def floors(source: str, module: str) -> list[str]:
    """Imports of ``module`` (dotted, such as tlk.networks.blocks) from its own floor's siblings are fine, from above are not."""
    here = floor_of(module)
    if here is None:
        inside = module.startswith("tlk.checks")
        return [f"{module}:{line}: imports {name}, which only notebooks use" for name, line in imported(source, module) if name.startswith("tlk.checks") and not inside]
    return [
        f"{module}:{line}: imports {name}, which is not on a floor below"
        for name, line in imported(source, module)
        if name.split(".")[0] == "tlk" and not allowed(here, name)
    ]


def floor_of(module: str) -> int | None:
    """0 to 6; -1 for the cellar; None for what lies outside (tlk itself, the command line, the exercises' checks)."""
    part = module.split(".")[1] if "." in module else ""
    return -1 if part in CELLAR else FLOORS.index(part) if part in FLOORS else None


def allowed(here: int, name: str) -> bool:
    there = floor_of(name)
    return there is not None and (there < here or (there == here and here >= 0) or there == -1)


def imported(source: str, module: str) -> list[tuple[str, int]]:
    """(dotted name, line) of every import, also inside functions; relative ones made absolute."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*module.split(".")[: -node.level], *([base] if base else [])])
            names = [f"{base}.{a.name}" for a in node.names] if base in ("tlk", "") else [base]
            found += [(name, node.lineno) for name in names]
    return found


def lengths(source: str, name: str, file_limit: int = 300, function_limit: int = 45) -> list[str]:
    """Files over 300 lines (250 is the aim) and functions over 45, decorators and docstring not counted."""
    complaints = [f"{name}: {n} lines, over {file_limit}"] if (n := source.count("\n")) > file_limit else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (n := body_length(node)) > function_limit:
            complaints.append(f"{name}:{node.lineno}: function {node.name} has {n} lines, over {function_limit}")
    return complaints


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    doc = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) is not None else 0
    return node.end_lineno - node.lineno + 1 - doc


def unsafe_loading(source: str, name: str) -> list[str]:
    """Whatever could run code while it loads: pickle and its kin, torch.load without weights_only=True, numpy's allow_pickle=True.

    ``pickle.UnpicklingError`` is harmless: torch raises it on a damaged file.
    """
    tree = ast.parse(source)
    complaints = [f"{name}:{line}: {what} runs code while it loads" for what, line in pickles(tree)]
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        options = {k.arg: ast.unparse(k.value) for k in call.keywords}
        if ast.unparse(call.func) == "torch.load" and options.get("weights_only") != "True":
            complaints.append(f"{name}:{call.lineno}: torch.load without weights_only=True")
        if options.get("allow_pickle") == "True":
            complaints.append(f"{name}:{call.lineno}: allow_pickle=True")
    return complaints


def pickles(tree: ast.Module) -> list[tuple[str, int]]:
    """(name, line) of what is used of modules that unpickle."""
    used = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in UNPICKLE:
            used.append((f"{node.value.id}.{node.attr}", node.lineno))
        elif isinstance(node, ast.ImportFrom) and node.module in UNPICKLE:
            used += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return [(what, line) for what, line in used if what != "pickle.UnpicklingError"]


def foreign(source: str, name: str, known: set[str]) -> list[str]:
    """Imports of packages that pyproject.toml does not name (``known``: import names)."""
    return [
        f"{name}:{line}: imports {module}, which pyproject.toml does not name"
        for module, line in imported(source, name)
        if module.split(".")[0] not in known
    ]


def notebook(text: str, name: str) -> list[str]:
    """Design.md's notebook rules, as far as they can be read off the file."""
    book = json.loads(text)
    code = [("".join(c["source"]), n, c) for n, c in enumerate(book["cells"], 1) if c["cell_type"] == "code"]
    tagged = [s for s, _, c in code if "parameters" in c["metadata"].get("tags", [])]
    complaints = [f"{name}: {len(tagged)} cells are tagged parameters, not 1"] if len(tagged) != 1 else parameters(tagged[0], name)
    complaints += [f"{name}: metadata.widgets (GitHub refuses such notebooks)"] if "widgets" in book["metadata"] else []
    complaints += [f"{name}: {len(text.encode()) / 1000:.0f} kB, over 300"] if len(text.encode()) > 300_000 else []
    for source, n, cell in code:
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            complaints.append(f"{name}, cell {n}: an error is kept in the outputs")
        if re.search(r"\b(widgets|ipywidgets)\.(Output|interact\w*)\b|\binteract(ive_output|ive|_manual)?\(|import .*\b(Output|interact\w*)\b", source):
            complaints.append(f"{name}, cell {n}: Output and interact hang papermill now and then")
        if source.rstrip().endswith(";"):
            complaints.append(f"{name}, cell {n}: a trailing ';' does not hide output in nbval; end with plt.show()")
    return complaints


def parameters(source: str, name: str) -> list[str]:
    """The parameters cell: literals with a comment each, ``profile = "smoke"`` among them."""
    complaints, lines, found = [], source.splitlines(), {}
    for node in ast.parse(source).body:
        target = getattr(node, "target", None) or (getattr(node, "targets", None) or [None])[0]
        value = literal(getattr(node, "value", None))
        if not isinstance(target, ast.Name) or value is ...:
            complaints.append(f"{name}: parameters cell, line {node.lineno}: not a literal with a name")
            continue
        found[target.id] = value
        if "#" not in lines[node.end_lineno - 1] and not lines[max(node.lineno - 2, 0)].lstrip().startswith("#"):
            complaints.append(f"{name}: parameter {target.id} has no comment")
    return complaints + ([] if found.get("profile") == "smoke" else [f'{name}: no parameter profile = "smoke"'])


def literal(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return ...
