"""Files that are replaced as a whole or not at all."""

import os
from pathlib import Path

import pytest

from vitamin.errors import RunError
from vitamin.files import per_process, put_in_place, replacing, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_content_reaches_the_disk_before_it_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: calls.append("fsync") or fsync(file))
    monkeypatch.setattr(Path, "replace", lambda path, target: calls.append("replace") or rename(path, target))
    (tmp_path / "file").write_text("old")
    with replacing(tmp_path / "file") as new:
        new.write_text("new")
        assert (tmp_path / "file").read_text() == "old"
    assert (calls, (tmp_path / "file").read_text()) == (["fsync", "replace"], "new")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_block_that_fails_keeps_the_old_content_alone(tmp_path: Path, failure: BaseException) -> None:
    (tmp_path / "file").write_text("old")

    def write() -> None:
        with replacing(tmp_path / "file") as new:
            new.write_text("half")
            raise failure

    with pytest.raises(type(failure)):
        write()
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "old")


def test_text_that_cannot_be_written_is_an_error_of_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "file", "α\n")
    assert (tmp_path / "file").read_bytes() == "α\n".encode()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"Cannot write .*file: No space left on device\. Check"):
        write_text(tmp_path / "file", "β\n")
    assert (names(tmp_path), (tmp_path / "file").read_text("utf-8")) == (["file"], "α\n")


def test_a_folder_takes_its_place_too(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").touch()
    put_in_place(tmp_path / "new", tmp_path / "final")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["final", "final/file"]


def test_processes_write_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = per_process(tmp_path / "file")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert per_process(tmp_path / "file") == tmp_path / "file.1.part" != own
