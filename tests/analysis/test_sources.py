"""Results of several folders, and of stores."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow.fs
import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from tests.analysis.run_folders import write_run, write_sweep
from tests.analysis.test_results import metrics_text
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import CONFIG_FILE, EVALUATIONS_FILE, METRICS_FILE, RUN_FILE
from vitamin.errors import ReportError


@pytest.fixture
def store() -> Iterator[str]:
    """A store in memory, with a run and a damaged one, of which more than the small files is there."""
    memory = fsspec.filesystem("memory")
    yield "memory://bucket/results"
    memory.rm("/bucket", recursive=True)


def upload(folder: Path) -> None:
    fsspec.filesystem("memory").put(str(folder), "/bucket/results", recursive=True)


def test_several_folders(tmp_path: Path) -> None:
    write_run(tmp_path / "one" / "results" / "run", [1, 2], seed=1)
    write_run(tmp_path / "two" / "results" / "run", [3, 4], seed=2)
    write_run(tmp_path / "two" / "results" / "deep" / "run", [5, 6], seed=3)
    write_run(tmp_path / "alone", [7, 8], seed=4)
    write_sweep(tmp_path / "two" / "results", "run", "waits")
    given = [tmp_path / "one" / "results", str(tmp_path / "two" / "results"), tmp_path / "alone"]
    results = load_results(*given)
    assert list(results.infos) == ["results/run", "results-2/deep/run", "results-2/run", "alone"]
    assert results.sources == tuple(map(str, given))
    assert results.directory == given[0]
    assert results.missing == ("results-2/waits",)
    assert results.runs["seed"].tolist() == [1, 3, 2, 4]
    assert results.runs["folder"].tolist()[3] == str(tmp_path / "alone")
    assert results.evaluations["normalized_score"].tolist() == [1, 2, 5, 6, 3, 4, 7, 8]
    assert results.episodes(["alone"])["normalized_score"].tolist() == [2, 12, 3, 13]


def test_a_run_that_is_found_twice_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "all" / "a" / "run", [1, 2])
    write_run(tmp_path / "all" / "b", [1, 2], seed=1)
    (tmp_path / "link").symlink_to(tmp_path / "all" / "b")
    results = load_results(tmp_path / "all", tmp_path / "all" / "a", tmp_path / "link")
    assert list(results.infos) == ["all/a/run", "all/b"]
    assert results.warnings == (
        f"{tmp_path / 'all' / 'a'} holds 1 run that was read already; it counts once: a/run.",
        f"{tmp_path / 'link'} holds 1 run that was read already; it counts once: link.",
    )


def test_a_source_without_runs_is_named_beside_others(tmp_path: Path) -> None:
    write_run(tmp_path / "good" / "run", [1, 2])
    (tmp_path / "empty").mkdir()
    write_run(tmp_path / "bad" / "run", [1, 2])
    (tmp_path / "bad" / "run" / RUN_FILE).write_text("{")
    results = load_results(*(tmp_path / name for name in ("good", "empty", "bad")))
    assert list(results.infos) == ["good/run"]
    assert len([text for text in results.warnings if "is empty" in text]) == 1
    assert any("not JSON" in text for text in results.warnings)
    with pytest.raises(ReportError, match="is empty: nothing to report"):
        load_results(tmp_path / "empty", tmp_path / "bad")
    with pytest.raises(ReportError, match=r"nowhere is not a directory"):
        load_results(tmp_path / "good", tmp_path / "nowhere")
    with pytest.raises(ReportError, match="Give the folder"):
        load_results()


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"], ids=ascii)
def test_names_that_no_folder_can_have(name: str) -> None:
    with pytest.raises(ReportError, match=r"Cannot read|not a directory"):
        load_results(name)


def test_a_file_uri(tmp_path: Path) -> None:
    write_run(tmp_path / "my runs" / "run", [1, 2])
    uri = (tmp_path / "my runs").as_uri()
    results = load_results(uri)
    assert results.runs[["run", "folder"]].to_numpy().tolist() == [["run", f"{uri}/run"]]


def test_a_store(tmp_path: Path, store: str) -> None:
    folder = tmp_path / "results"
    write_run(folder / "a", [10, 20, 30], status="running")
    (folder / "a" / CONFIG_FILE).write_text("task: x\nhyperparameters:\n  tau: 0.5\n")
    (folder / "a" / METRICS_FILE).write_text(metrics_text(1, 2))
    (folder / "a" / "checkpoints" / "00000001").mkdir(parents=True)
    (folder / "a" / "checkpoints" / "00000001" / "manifest.json").write_text("{}")
    (folder / "a" / "large.bin").write_bytes(b"0" * 1000)
    write_run(folder / "b", [1, 2])
    (folder / "b" / RUN_FILE).write_text("{")
    path = folder / "a" / EVALUATIONS_FILE
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    upload(folder)
    shutil.rmtree(folder)
    results = load_results(store)
    assert results.sources == (store,)
    assert results.runs[["run", "folder"]].to_numpy().tolist() == [["a", f"{store}/a"]]
    assert results.evaluations["normalized_score"].tolist() == [10, 20]
    assert results.damages[0].startswith(f"{store}/a: evaluations.csv: the last evaluation")
    assert results.warnings[0].startswith(f"{store}/b/run.json is damaged")
    assert (results.settings("a") or {})["tau"] == 0.5
    assert results.metrics()["iteration"].tolist() == [1, 2]
    mirror = results.directory
    names = {file.name for file in mirror.rglob("*") if file.is_file()}
    assert names == {RUN_FILE, CONFIG_FILE, METRICS_FILE, EVALUATIONS_FILE}
    del results
    gc.collect()
    assert not mirror.exists()


def test_a_store_of_pyarrow_beside_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "far" / "results" / "sweep" / "run", [1, 2])
    write_run(tmp_path / "near" / "run", [3, 4])

    class Stores:
        @staticmethod
        def from_uri(uri: str) -> tuple[SubTreeFileSystem, str]:
            assert uri == "s3://user:word@results?region=x"
            return SubTreeFileSystem(str(tmp_path / "far"), LocalFileSystem()), "results"

    monkeypatch.setattr(pyarrow.fs, "FileSystem", Stores)
    results = load_results("s3://user:word@results?region=x", tmp_path / "near")
    assert list(results.infos) == ["results/sweep/run", "near/run"]
    assert results.sources == ("s3://results", str(tmp_path / "near"))
    assert results.runs["folder"].tolist()[0] == "s3://results/sweep/run"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("nostore://bucket/x", "Cannot read nostore://bucket/x: .*nostore"),
        ("abfs://box/x", "Cannot read abfs://box/x: .*Install adlfs"),
        ("memory://nothing", "memory://nothing is empty"),
        ("file:///nothing/here", "file:///nothing/here is not a directory"),
    ],
)
def test_stores_that_cannot_be_read(uri: str, words: str) -> None:
    with pytest.raises(ReportError, match=words):
        load_results(uri)


def test_a_store_that_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Stores:
        @staticmethod
        def from_uri(uri: str) -> object:
            raise PermissionError(f"When reading {uri}: ACCESS_DENIED")

    monkeypatch.setattr(pyarrow.fs, "FileSystem", Stores)
    with pytest.raises(
        ReportError, match=r"^Cannot read s3://b/r: When reading s3://b/r: ACCESS_DENIED\. Check"
    ) as error:
        load_results("s3://key:word@b/r")
    assert "word" not in str(error.value)
