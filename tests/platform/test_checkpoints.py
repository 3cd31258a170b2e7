import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.platform.kills import dies_before
from vitamin.errors import RunError, WorkerFailure
from vitamin.platform.experiments import checkpoints
from vitamin.platform.experiments.checkpoints import (
    list_checkpoints,
    newest_checkpoint,
    remove_checkpoints_after,
    save_checkpoint,
    verify_checkpoint,
)


def write(iteration: int) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for name in ("tensors.safetensors", "replay.safetensors", "state.json"):
            (folder / name).write_text(f"{name} of {iteration}")

    return fill


def save(folder: Path, *iterations: int) -> None:
    for iteration in iterations:
        save_checkpoint(folder, iteration, write(iteration))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def unreported(text: str) -> None:
    raise AssertionError(text)


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "none", unreported) is None
    save(tmp_path, 2, 4, 100)
    assert names(tmp_path) == ["00000004", "00000100"]
    newest = newest_checkpoint(tmp_path, unreported)
    assert newest == tmp_path / "00000100"
    assert (newest / "state.json").read_text() == "state.json of 100"


def test_the_pretrained_one_stays(tmp_path: Path) -> None:
    for iteration in (2, 4, 6, 8, 10):
        save_checkpoint(tmp_path, iteration, write(iteration), pretrained=4)
    assert names(tmp_path) == ["00000004", "00000008", "00000010"]


@pytest.mark.parametrize("damaged", [False, True])
def test_kill_before_any_file_operation_leaves_a_whole_checkpoint(tmp_path: Path, damaged: bool) -> None:
    operation, killed, found = 0, True, set()
    while killed:
        operation += 1
        folder = tmp_path / str(operation)
        save(folder, 1, 2, *([3] if damaged else []))
        if damaged:
            (folder / "00000003" / "tensors.safetensors").unlink()
        killed = dies_before(operation, lambda folder=folder: save(folder, 3))
        newest = newest_checkpoint(folder, lambda text: None)
        assert newest is not None
        found.add(newest.name)
        assert (newest / "state.json").read_text() == f"state.json of {int(newest.name)}"
        save(folder, 3)
        assert names(folder) == ["00000002", "00000003"]
        assert newest_checkpoint(folder, unreported) == folder / "00000003"
    assert operation > 10
    assert found == {"00000002", "00000003"}


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError("disk full"), RunError),
        (WorkerFailure("dead"), WorkerFailure),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_failure_while_writing_leaves_the_older_ones_and_nothing_else(
    tmp_path: Path, error: BaseException, raised: type[BaseException]
) -> None:
    save(tmp_path, 1, 2)

    def fail(folder: Path) -> None:
        write(3)(folder)
        raise error

    with pytest.raises(raised):
        save_checkpoint(tmp_path, 3, fail)
    assert names(tmp_path) == ["00000001", "00000002"]
    assert newest_checkpoint(tmp_path, unreported) == tmp_path / "00000002"


def truncate(checkpoint: Path) -> None:
    os.truncate(checkpoint / "tensors.safetensors", 3)


def flip(checkpoint: Path) -> None:
    content = bytearray((checkpoint / "tensors.safetensors").read_bytes())
    content[5] ^= 1
    (checkpoint / "tensors.safetensors").write_bytes(content)


def delete(checkpoint: Path) -> None:
    (checkpoint / "tensors.safetensors").unlink()


def delete_manifest(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").unlink()


def truncate_manifest(checkpoint: Path) -> None:
    os.truncate(checkpoint / "manifest.json", 20)


def replace_manifest(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").write_text(json.dumps([]))


def empty_manifest(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").write_text("{}")


def forget_the_replay(checkpoint: Path) -> None:
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    del manifest["replay.safetensors"]
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))


DAMAGES = [
    truncate,
    flip,
    delete,
    delete_manifest,
    truncate_manifest,
    replace_manifest,
    empty_manifest,
    forget_the_replay,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint_is_reported_and_the_one_before_it_taken(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    save(tmp_path, 1, 2)
    damage(tmp_path / "00000002")
    reports: list[str] = []
    assert newest_checkpoint(tmp_path, reports.append) == tmp_path / "00000001"
    assert len(reports) == 1
    assert f"{tmp_path / '00000002'} is damaged" in reports[0]
    damage(tmp_path / "00000001")
    assert newest_checkpoint(tmp_path, reports.append) is None
    assert reports[-1].startswith(f"Checkpoint {tmp_path / '00000001'} is damaged")
    assert "before it" not in reports[-1]
    with pytest.raises(RunError, match="damaged"):
        verify_checkpoint(tmp_path / "00000001")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (delete, "is gone."),
        (delete_manifest, "manifest.json is gone."),
        (truncate_manifest, "its manifest.json lists no files."),
        (replace_manifest, "its manifest.json lists no files."),
    ],
)
def test_a_damage_is_named(tmp_path: Path, damage: Callable[[Path], None], words: str) -> None:
    save(tmp_path, 1)
    damage(tmp_path / "00000001")
    with pytest.raises(RunError) as caught:
        verify_checkpoint(tmp_path / "00000001")
    assert str(caught.value).endswith(words)
    assert "Errno" not in str(caught.value)


def test_what_may_not_be_read_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1, 2)

    def refuse(file: Path) -> str:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(checkpoints, "_digest", refuse)
    with pytest.raises(
        RunError, match=r"Cannot read .*00000002.*: Permission denied\. Check its permissions"
    ):
        newest_checkpoint(tmp_path, unreported)


def test_checkpoints_that_are_made_again_do_not_push_whole_ones_out(tmp_path: Path) -> None:
    save(tmp_path, 4, 6)
    delete(tmp_path / "00000006")
    remove_checkpoints_after(tmp_path, 4)
    save(tmp_path, 5)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["00000004", "00000005"]
    assert newest_checkpoint(tmp_path, unreported) == tmp_path / "00000005"
