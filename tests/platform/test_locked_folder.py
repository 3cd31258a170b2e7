"""A folder that one process at a time writes to."""

from pathlib import Path

import pytest

from vitamin.errors import SweepError
from vitamin.platform.locked_folder import LOCK_FILE, LockedFolder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def folder(path: Path) -> LockedFolder:
    return LockedFolder(path, SweepError, "sweep")


def test_a_second_one_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "a"), folder(tmp_path / "a")
    first.acquire()
    with pytest.raises(SweepError, match="a is being written by another sweep"):
        second.acquire()
    first.release()
    second.acquire()


def test_a_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    one = folder(tmp_path / "a" / "b" / "c")
    one.acquire()
    assert (tmp_path / "a" / "b" / "c" / LOCK_FILE).exists()
    one.give_up()
    assert names(tmp_path) == []


def test_what_was_there_or_was_written_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    one = folder(tmp_path / "there")
    one.acquire()
    one.give_up()
    assert names(tmp_path / "there") == []

    (tmp_path / "there" / LOCK_FILE).touch()
    one.acquire()
    one.give_up()
    assert names(tmp_path / "there") == [LOCK_FILE]

    other = folder(tmp_path / "made")
    other.acquire()
    (tmp_path / "made" / "run.json").touch()
    other.remove_what_was_made()
    assert (tmp_path / "made" / "run.json").exists()


def test_a_folder_that_cannot_be_made_is_an_error_of_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SweepError, match=r"Cannot write to .*: Not a directory\. Choose another --out\."):
        folder(tmp_path / "file" / "a").acquire()
