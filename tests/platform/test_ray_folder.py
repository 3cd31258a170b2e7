import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.command import in_new_process, vitamin
from vitamin.errors import WorkerFailure
from vitamin.platform.ray_folder import private_ray_folder


@pytest.mark.parametrize("name", ["x" * 100, os.fsdecode(b"\xff")])
def test_the_folder_is_private_short_and_removed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with TemporaryDirectory(dir="/tmp") as parent:
        _check_folder(Path(parent, name), monkeypatch)


def _check_folder(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long.mkdir()
    for variable in ("RAY_TMPDIR", "TMPDIR"):
        monkeypatch.setenv(variable, str(long))
    with private_ray_folder() as folder:
        assert str(folder).startswith("/tmp/ray-")
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        (folder / "session").mkdir(parents=True)
    assert not folder.parent.exists()
    assert not list(long.iterdir())


def test_a_short_temporary_folder_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with private_ray_folder() as outer:
        monkeypatch.setenv("RAY_TMPDIR", str(outer.parent))
        with private_ray_folder() as folder:
            assert folder.parent.parent == outer.parent


def test_no_folder_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 100)))
    with (
        pytest.raises(WorkerFailure, match=r"RAY_TMPDIR=DIR names one, of at most \d\d bytes"),
        private_ray_folder(),
    ):
        pass


@pytest.mark.ray
@pytest.mark.slow
def test_training_needs_neither_home_nor_a_short_temporary_folder(tmp_path: Path) -> None:
    data, long = tmp_path / "data.hdf5", tmp_path / ("x" * 100)
    vitamin("data", "collect", "Pendulum-v1", "--steps", 400, "--out", data)
    (tmp_path / "file").touch()
    long.mkdir()
    options = ["--data", data, "--preset", "tiny", "--online-steps", 1, "--out", tmp_path / "run", "--quiet"]
    hostile = {"HOME": str(tmp_path / "file"), "TMPDIR": str(long)}
    answer = in_new_process("train", "Pendulum-v1", *options, **hostile)
    assert answer.code == 0, answer.stderr
    assert answer.stderr == ""
    assert "RAY_AUTH_TOKEN" not in os.environ
