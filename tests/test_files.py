"""write_whole: the old file or the new one, never half of one."""

import pytest

from tlk.files import write_whole


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "made" / "on the way" / "clip.mp4"
    with write_whole(path) as temporary:
        assert temporary.suffix == ".mp4" and temporary.parent == path.parent
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), write_whole(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_is_moved_as_one(tmp_path):
    with write_whole(tmp_path / "clip") as temporary:
        temporary.mkdir()
        (temporary / "0.png").write_bytes(b"x")
    assert (tmp_path / "clip" / "0.png").read_bytes() == b"x" and len(list(tmp_path.iterdir())) == 1


def test_nothing_written_and_a_folder_in_the_way_are_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="was not written"), write_whole(tmp_path / "a"):
        pass
    with pytest.raises(ValueError, match="is a folder"), write_whole(tmp_path) as temporary:
        temporary.write_text("x")
