"""The house rules hold, and each check is shown to fail on an example that breaks it."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).parent.parent
CODE = sorted(p for folder in ("tlk", "notebooks", "data_scripts", "tests") for p in (ROOT / folder).rglob("*.py"))
OURS = [p for p in CODE if "tests" not in p.parts[len(ROOT.parts) :]]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts)  # an __init__ keeps its name, so that its relative imports resolve like its siblings'


def complaints(rule, paths, **options):
    return [c for p in paths for c in rule(p.read_text(), module_of(p), **options)]


def test_imports_come_from_floors_below():
    assert complaints(house.floors, (ROOT / "tlk").rglob("*.py")) == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("tlk.data.clip", "from tlk.networks import Embedder"),
        ("tlk.data.clip", "import tlk.learning"),
        ("tlk.data.clip", "from tlk import networks"),
        ("tlk.data.heads.mesh", "from ...show import write_video"),
        ("tlk.networks.blocks", "def f():\n    from tlk.losses.match import match"),
        ("tlk.networks.blocks", "from tlk.checks import check"),
        ("tlk.networks.blocks", "from tlk import load"),
        ("tlk.__main__", "from tlk.checks import Wrong"),
        ("tlk.presets", "from tlk.landmarks import rasterise"),
    ],
)
def test_an_import_from_above_is_found(module, source):
    assert len(house.floors(source, module)) == 1


def test_imports_from_below_pass():
    source = "import torch\nfrom tlk.landmarks import rasterise\nfrom tlk.files import write_whole\nfrom .clip import Clip\nfrom tlk import presets"
    assert house.floors(source, "tlk.data.episodes") == []
    assert house.floors("from tlk.show import write_video", "tlk.__main__") == []
    assert house.floors("from tlk.checks import Wrong\nfrom tlk.learning import load", "tlk.checks.losses") == []


def test_files_and_functions_are_short():
    assert complaints(house.lengths, CODE) == []


def test_a_long_function_and_a_long_file_are_found():
    body = "    x = 1\n" * 44
    assert house.lengths(f'def f():\n    """Doc."""\n{body}', "m") == []
    assert len(house.lengths(f"def f():\n{body}    return x\n", "m")) == 1
    assert len(house.lengths("x = 1\n" * 301, "m")) == 1


def test_nothing_that_is_loaded_can_run_code():
    assert complaints(house.unsafe_loading, OURS) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle\npickle.load(f)", "import dill\nx = dill.Unpickler", "from joblib import load", "torch.load(f)", "torch.load(f, weights_only=False)", "np.load(f, allow_pickle=True)"],
)
def test_unsafe_loading_is_found(source):
    assert len(house.unsafe_loading(source, "m")) == 1
    assert house.unsafe_loading("import pickle\ntry:\n    torch.load(f, weights_only=True)\nexcept pickle.UnpicklingError:\n    pass", "m") == []


def requirement_names() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    return {re.match(r"[\w.-]+", r)[0].lower().replace("_", "-") for r in stated}


def known_imports() -> set[str]:
    stated = requirement_names()
    installed = {m for m, dists in packages_distributions().items() if {d.lower().replace("_", "-") for d in dists} & stated}
    here = {"tlk", "tests", "notebooks", "data_scripts"}
    return installed | set(sys.stdlib_module_names) | here | {"dlib"}  # dlib-bin does not say what it installs


def test_every_import_is_a_stated_dependency():
    """data_scripts may need more than the project does; each says in its first lines what to install."""
    paths = [p for p in CODE if "data_scripts" not in p.parts]
    assert complaints(house.foreign, paths, known=known_imports()) == []


def test_an_unstated_or_unwanted_import_is_found():
    assert len(house.foreign("import torchvision", "m", known_imports())) == 1
    assert len(house.foreign("import IPython", "m", known_imports())) == 1


NO_NETWORK = """
import socket, sys, time
def refuse(*a, **k): raise RuntimeError("the network was asked for at import")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
print(" ".join(m for m in ("torch", "matplotlib", "cv2", "dlib") if m in sys.modules))
"""


def isolated(statement: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", NO_NETWORK.format(statement=statement)], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_import_tlk_is_light_and_needs_no_network():
    run = isolated("import tlk")
    assert run.returncode == 0, run.stderr
    seconds, heavy = run.stdout.split("\n")[:2]
    assert float(seconds) < 0.5 and heavy == ""


def test_no_module_asks_the_network_at_import():
    modules = sorted({module_of(p).removesuffix(".__init__") for p in (ROOT / "tlk").rglob("*.py") if p.name != "__main__.py"})
    run = isolated("import " + ", ".join(modules))
    assert run.returncode == 0, run.stderr


def test_a_download_at_import_is_found():
    run = isolated("import urllib.request; urllib.request.urlopen('http://example.org')")
    assert run.returncode != 0 and "the network was asked for" in run.stderr


def test_public_names_are_there():
    run = isolated("import tlk; [getattr(tlk, name) for name in tlk.__all__]")
    assert run.returncode == 0, run.stderr
    assert "has no attribute 'colour'" in isolated("import tlk; tlk.colour").stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_keep_the_rules(path):
    assert house.notebook(path.read_text(), path.name) == []


def cell(source, tags=(), outputs=()):
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": list(outputs)}


GOOD = [cell('profile = "smoke"  # size\nepochs = 3  # passes', ["parameters"]), cell("plt.show()")]


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"cells": GOOD[1:]}, "0 cells are tagged parameters"),
        ({"cells": [*GOOD, cell("out = widgets.Output()")]}, "hang papermill"),
        ({"cells": [*GOOD, cell("interact(f, x=3)")]}, "hang papermill"),
        ({"cells": [*GOOD, cell("from ipywidgets import HTML, Output")]}, "hang papermill"),
        ({"cells": [*GOOD, cell("plt.plot(x);")]}, "trailing ';'"),
        ({"cells": [*GOOD, cell("x", outputs=[{"output_type": "error"}])]}, "an error is kept"),
        ({"metadata": {"widgets": {}}}, "metadata.widgets"),
        ({"cells": [*GOOD, cell("#" * 300_001)]}, "over 300"),
        ({"cells": [cell('profile = "gpu"  # size', ["parameters"])]}, 'no parameter profile = "smoke"'),
        ({"cells": [cell('profile = "smoke"', ["parameters"])]}, "has no comment"),
        ({"cells": [cell('profile = "smoke"  # size\nn = 2 * len(x)  # derived', ["parameters"])]}, "not a literal"),
    ],
)
def test_a_notebook_that_breaks_a_rule_is_found(change, sentence):
    good = {"cells": GOOD, "metadata": {}}
    assert house.notebook(json.dumps(good), "n") == []
    (complaint,) = house.notebook(json.dumps({**good, **change}), "n")
    assert sentence in complaint


def large_files(sizes: dict[str, int]) -> list[str]:
    """Over 1 MB, but for weights and the head asset, which have limits of their own (14 and 8 MB)."""
    limits = {".safetensors": 14e6, ".npz": 8e6}
    return [f"{name}: {size / 1e6:.1f} MB" for name, size in sizes.items() if size > limits.get(Path(name).suffix, 1e6)]


def test_no_large_file_is_committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    assert large_files({n: (ROOT / n).stat().st_size for n in listed if n and (ROOT / n).is_file()}) == []
    assert large_files({"a.png": 2_000_000, "w.safetensors": 13_000_000, "v.safetensors": 15_000_000}) == ["a.png: 2.0 MB", "v.safetensors: 15.0 MB"]
