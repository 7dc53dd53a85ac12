"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def write_whole(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; what was written there takes its place when the block ends.

    Readers therefore see the old file or the new one, never half of one, also after kill -9. The temporary
    name starts with a dot and keeps the suffix, from which writers guess the format. Missing parent folders
    are made. The block may also make a folder there: it is moved too, provided that ``path`` does not exist
    or is an empty folder (OSError otherwise).

    When the block raises, ``path`` stays as it was, the temporary is removed and the error goes on; an OSError about
    the temporary (a full disk, a folder that may not be written) becomes one that names ``path``.
    ValueError when ``path`` is a folder's name where a file is meant; FileNotFoundError when the block wrote nothing.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"{path} was not written: nothing was put at the temporary path")
        if temporary.is_file() and path.is_dir():
            raise ValueError(f"{path} is a folder; give the name of a file in it")
        os.replace(temporary, path)
    except OSError as error:
        if str(path) in str(error) or (error.filename is not None and temporary.name not in str(error.filename)):
            raise
        raise type(error)(error.errno, f"{path} could not be written ({error.strerror or error}); make room or choose another place") from error
    finally:
        _remove(temporary)


def write_tensors(path: str | os.PathLike, tensors: dict[str, Tensor], about: dict[str, str] | None = None) -> None:
    """A safetensors file, whole or not at all, with the permissions that files have here. OSError names ``path``."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with write_whole(path) as temporary:
        temporary.touch()
        usual = temporary.stat().st_mode  # safetensors makes files that only their owner may read
        try:
            save_file({name: t.contiguous() for name, t in tensors.items()}, temporary, about)
        except SafetensorError as error:
            raise OSError(None, f"{path} could not be written ({error}); make room or choose another place") from error
        temporary.chmod(usual)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
