import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.platform.dataset_files import TOY, toy_arrays, write_file
from tests.platform.file_server import FileServer, serve
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import (
    cache_directory,
    cached_path,
    dataset_label,
    dataset_path,
    fetch_dataset,
    fingerprint,
    import_dataset,
)
from vitamin.platform.datasets.provenance import read_record, record_path
from vitamin.platform.tasks import Task


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return write_file(tmp_path / "published.hdf5", toy_arrays(), compression="gzip").read_bytes()


def published(server: FileServer) -> Task:
    return replace(TOY, dataset_url=server.url, dataset_file="toy-data.hdf5")


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path) -> None:
    assert cache_directory() == cache
    monkeypatch.delenv("VITAMIN_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "vitamin" / "datasets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_directory() == tmp_path / "home" / ".cache" / "vitamin" / "datasets"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITAMIN_DATA_DIR", "~nobody-of-that-name/data")
    with pytest.raises(DatasetError, match="home directory: VITAMIN_DATA_DIR sets a directory"):
        cache_directory()


def test_tasks_without_a_published_file_have_a_place_of_their_own(cache: Path) -> None:
    assert cached_path(get_task("hopper-medium-v2")) == cache / "hopper_medium-v2.hdf5"
    assert cached_path(get_task("Pendulum-v1")) == cache / "Pendulum-v1.hdf5"
    assert cached_path(Task("my.module:Env/Id-v0", "gymnasium", "x")) == cache / "my.module-Env-Id-v0.hdf5"


def test_fetch_records_the_checksum_and_verifies_it_later(content: bytes) -> None:
    with serve(FileServer(content)) as server:
        task = published(server)
        path = fetch_dataset(task)
        assert path == cached_path(task) == dataset_path(task, None)
        assert path.read_bytes() == content
        assert fingerprint(path) == hashlib.sha256(content).hexdigest()
        assert dataset_label(path) is None
        record = read_record(path)
        assert record is not None
        assert record.origin == f"fetched from {server.url}"
        assert fetch_dataset(task) == path
        assert len(server.requests) == 1


def test_fetch_does_not_take_another_file_for_the_published_one(tmp_path: Path, content: bytes) -> None:
    with serve(FileServer(content)) as server:
        task = published(server)
        import_dataset(write_file(tmp_path / "mine.hdf5", toy_arrays(seed=1)), task)
        with pytest.raises(DatasetError, match=r"it was imported from .*mine\.hdf5\. Add --force"):
            fetch_dataset(task)
        assert server.requests == []
        assert fetch_dataset(task, force=True).read_bytes() == content
        record_path(cached_path(task)).unlink()
        with pytest.raises(DatasetError, match=r"it was found in the cache\. Add --force"):
            fetch_dataset(task)


def test_a_changed_file_is_noticed(content: bytes) -> None:
    with serve(FileServer(content)) as server:
        task = published(server)
        path = fetch_dataset(task)
        status = path.stat()
        path.write_bytes(content[:-1] + b"x")
        with pytest.raises(DatasetError, match=r"is not the file that was fetched from .*checksum"):
            dataset_path(task, None)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        with pytest.raises(DatasetError, match="checksum"):
            fetch_dataset(task)
        fetch_dataset(task, force=True)
        assert dataset_path(task, None).read_bytes() == content


def test_a_touched_file_is_still_the_same(content: bytes) -> None:
    with serve(FileServer(content)) as server:
        task = published(server)
        path = fetch_dataset(task)
    os.utime(path, (1, 1))
    assert dataset_path(task, None) == path
    record = read_record(path)
    assert record is not None
    assert record.modified_ns == 10**9
    assert record.origin.startswith("fetched from")


def test_a_file_put_there_by_hand_is_recorded_on_first_use(cache: Path, content: bytes) -> None:
    task = get_task("hopper-medium-v2")
    cache.mkdir()
    cached_path(task).write_bytes(content)
    assert dataset_path(task, None) == cached_path(task)
    record = json.loads(record_path(cached_path(task)).read_text())
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert dataset_label(cached_path(task)) == "own file"


def test_a_damaged_record_is_reported(content: bytes) -> None:
    with serve(FileServer(content)) as server:
        task = published(server)
        path = fetch_dataset(task)
    record_path(path).write_text("{")
    with pytest.raises(DatasetError, match=r"record .*toy-data.hdf5.json cannot be read .* Delete it"):
        dataset_path(task, None)


def test_a_broken_download_is_continued_by_the_next_fetch(content: bytes) -> None:
    half = len(content) // 2
    with serve(FileServer(content, break_after=[half])) as server:
        assert fetch_dataset(published(server)).read_bytes() == content
    assert server.requests == [None, f"bytes={half}-"]


@pytest.mark.parametrize("body", [b"<html>sorry</html>", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_dataset_is_not_kept(cache: Path, body: bytes) -> None:
    with serve(FileServer(body)) as server:
        task = published(server)
        with pytest.raises(DatasetError, match="sent is no dataset of toy-v0 and was deleted"):
            fetch_dataset(task)
    assert not [file for file in cache.iterdir() if not file.name.startswith(".")]


def test_no_network_says_which_file_from_where_and_where_to_put_it(content: bytes) -> None:
    with serve(FileServer(content)) as server:
        task = published(server)
    with pytest.raises(DatasetError) as caught:
        fetch_dataset(task)
    message = str(caught.value)
    assert "Cannot download toy-data.hdf5" in message
    assert server.url in message
    assert str(cached_path(task)) in message
    assert "vitamin data import FILE --task toy-v0" in message


def test_a_missing_dataset_says_what_to_do() -> None:
    task = get_task("walker2d-medium-v2")
    with pytest.raises(DatasetError) as caught:
        dataset_path(task, None)
    message = str(caught.value)
    assert str(cached_path(task)) in message
    assert (
        "http://rail.eecs.berkeley.edu/datasets/offline_rl/gym_mujoco_v2/walker2d_medium-v2.hdf5" in message
    )
    assert "vitamin data fetch walker2d-medium-v2" in message
    assert "vitamin data import FILE --task walker2d-medium-v2" in message


@pytest.mark.parametrize("ask", [lambda task: dataset_path(task, None), fetch_dataset])
def test_a_task_without_published_data_says_how_to_make_some(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(DatasetError, match="vitamin data collect Pendulum-v1 --policy random"):
        ask(get_task("Pendulum-v1"))


def test_an_explicit_file_goes_before_the_cache(tmp_path: Path) -> None:
    file = write_file(tmp_path / "mine.hdf5", toy_arrays())
    assert dataset_path(TOY, file) == file
    with pytest.raises(DatasetError, match="no file"):
        dataset_path(TOY, tmp_path / "other.hdf5")


def test_two_processes_that_fetch_at_once_download_once(content: bytes, cache: Path) -> None:
    program = (
        "import sys\n"
        "from vitamin.platform.datasets import fetch_dataset\n"
        "from vitamin.platform.tasks import Task\n"
        "task = Task('toy-v0', 'toy', 'Toy-v0', dataset_url=sys.argv[1], dataset_file='toy-data.hdf5',\n"
        "            action_low=(-1.0, -1.0), action_high=(1.0, 1.0))\n"
        "print(fetch_dataset(task))\n"
    )
    with serve(FileServer(content, delay_s=0.5, break_after=[len(content) // 2])) as server:
        command = [sys.executable, "-c", program, server.url]
        both = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert {output.strip() for output, _ in outputs} == {str(cache / "toy-data.hdf5")}
    assert len(server.requests) == 2  # the second request continues after the break
    assert server.sent == len(content)
    assert (cache / "toy-data.hdf5").read_bytes() == content


def test_import_checks_and_copies(tmp_path: Path) -> None:
    source = write_file(tmp_path / "mine.hdf5", toy_arrays())
    path = import_dataset(source, TOY)
    assert path.read_bytes() == source.read_bytes()
    assert dataset_path(TOY, None) == path
    assert dataset_label(path) == "own file"
    assert import_dataset(source, TOY) == path


def test_import_refuses_what_does_not_fit(tmp_path: Path) -> None:
    source = write_file(tmp_path / "mine.hdf5", toy_arrays())
    with pytest.raises(DatasetError, match="3 wide"):
        import_dataset(source, get_task("hopper-medium-v2"))
    assert not cached_path(get_task("hopper-medium-v2")).exists()


def test_import_does_not_replace_another_file_unasked(tmp_path: Path) -> None:
    first = write_file(tmp_path / "first.hdf5", toy_arrays(0))
    second = write_file(tmp_path / "second.hdf5", toy_arrays(1))
    path = import_dataset(first, TOY)
    with pytest.raises(DatasetError, match="Add --force"):
        import_dataset(second, TOY)
    assert path.read_bytes() == first.read_bytes()
    import_dataset(second, TOY, force=True)
    assert dataset_path(TOY, None).read_bytes() == second.read_bytes()


def test_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "file" / "cache"))
    with (
        serve(FileServer(content)) as server,
        pytest.raises(DatasetError, match="VITAMIN_DATA_DIR sets another"),
    ):
        fetch_dataset(published(server))


def test_fingerprints_follow_the_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    assert fingerprint(file) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"three")
    assert fingerprint(file) == hashlib.sha256(b"three").hexdigest()
    with pytest.raises(DatasetError, match="cannot be read"):
        fingerprint(tmp_path / "other")


def test_a_copy_of_the_d4rl_package_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "d4rl"
    folder.mkdir()
    monkeypatch.setenv("D4RL_DATASET_DIR", str(folder))
    task = replace(
        TOY, dataset_kind="toy", dataset_url="http://localhost:9/toy.hdf5", dataset_file="toy.hdf5"
    )
    copy = write_file(folder / "toy.hdf5", toy_arrays())
    path = fetch_dataset(task)
    assert path == cached_path(task)
    assert path.read_bytes() == copy.read_bytes()
    assert dataset_label(path) is None
    path.unlink()
    copy.write_bytes(copy.read_bytes()[:2000])
    with pytest.raises(DatasetError, match="Cannot download"):
        fetch_dataset(task)
