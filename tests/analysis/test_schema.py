import json
import os
from pathlib import Path

import pytest

from tests.analysis.run_folders import run_info
from vitamin.analysis.schema import EVALUATION_HEADER, RUN_FILE, RunInfo
from vitamin.analysis.schema_docs import schema_markdown
from vitamin.errors import RunError

ROOT = Path(__file__).parents[2]


def test_run_info_survives_the_file(tmp_path: Path) -> None:
    info = run_info(overrides={"rl_coefficient": 0.5, "critic_layer_norm": True}, message="a\nb")
    info.write(tmp_path)
    assert RunInfo.read(tmp_path) == info
    assert [path.name for path in tmp_path.iterdir()] == [RUN_FILE]


def test_times_are_written_as_iso_8601_in_utc(tmp_path: Path) -> None:
    run_info().write(tmp_path)
    assert json.loads((tmp_path / RUN_FILE).read_text())["started"] == "2026-01-02T03:04:05Z"


def test_write_keeps_the_old_file_if_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_info(seed=1).write(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        run_info(seed=2).write(tmp_path)
    assert RunInfo.read(tmp_path).seed == 1


def test_write_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Cannot write"):
        run_info().write(tmp_path / "missing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n"a" 1}', r"is damaged: not JSON from line 2, column 5 on\.$"),
        ("[" * 100_000, r"is damaged: not JSON, or"),
        ('{"seed": ' + "9" * 5000 + "}", r"is damaged: not JSON, or"),
        ("\udcff", "not JSON, or not UTF-8"),
        (r'{"schema_version": 1, "task": "\ud800"}', "not JSON, or not UTF-8"),
        (r'{"schema_version": 1, "versions": {"\ud800": ""}}', "not JSON, or not UTF-8"),
        ("[]", "no schema_version"),
        ("{}", "no schema_version"),
        ('{"schema_version": "1"}', "no schema_version"),
        ('{"schema_version": 1}', "name: Field required"),
        ('{"schema_version": 2, "anything": 1}', "version 2.*Upgrade Vitamin"),
        ('{"schema_version": 0}', "unknown schema version 0"),
    ],
)
def test_unreadable_run_file(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / RUN_FILE).write_text(content, errors="surrogateescape")
    with pytest.raises(RunError, match=message):
        RunInfo.read(tmp_path)


def test_missing_run_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file"):
        RunInfo.read(tmp_path)


def test_unknown_keys_are_ignored(tmp_path: Path) -> None:
    content = json.loads(run_info().model_dump_json()) | {"added_later": 1}
    (tmp_path / RUN_FILE).write_text(json.dumps(content))
    assert RunInfo.read(tmp_path) == run_info()


def test_evaluation_header() -> None:
    assert ",".join(EVALUATION_HEADER) == (
        "phase,iteration,env_steps,gradient_updates,target_return,episode,return,length,normalized_score,"
        "success"
    )


def test_documentation_is_in_step() -> None:
    assert (ROOT / "docs" / "results-schema.md").read_text(encoding="utf-8") == schema_markdown()
