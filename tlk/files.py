"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_whole(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; what was written there takes its place when the block ends.

    Readers therefore see the old file or the new one, never half of one, also after kill -9. The temporary
    name starts with a dot and keeps the suffix, from which writers guess the format. Missing parent folders
    are made. The block may also make a folder there: it is moved too, provided that ``path`` does not exist
    or is an empty folder (OSError otherwise).

    When the block raises, ``path`` stays as it was, the temporary is removed and the error goes on.
    ValueError when ``path`` is a folder's name where a file is meant; FileNotFoundError when the block wrote nothing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"{path} was not written: nothing was put at the temporary path")
        if temporary.is_file() and path.is_dir():
            raise ValueError(f"{path} is a folder; give the name of a file in it")
        os.replace(temporary, path)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
