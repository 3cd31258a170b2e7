import math
from pathlib import Path

import numpy as np
import pandas as pd

from tests.analysis.run_folders import run_info
from tests.analysis.table_frames import labels_of, no_nonsense, score_frame, texts
from vitamin.analysis.schema import DatasetInfo, MachineInfo
from vitamin.analysis.tables.cost import cost_table
from vitamin.analysis.tables.provenance import dataset_table, provenance_table
from vitamin.analysis.tables.runs import run_links, runs_table


def timing(frame: pd.DataFrame, **columns: list[float]) -> pd.DataFrame:
    times = {
        "sample_s": 900.0,
        "update_s": 1800.0,
        "evaluate_s": 360.0,
        "sync_s": 36.0,
        "other_s": 504.0,
        "wall_time_s": 3600.0,
        "updates_per_s": 12.345,
        "env_steps_per_s": 123.45,
    }
    return pd.DataFrame({"run": frame["run"]} | times | columns)


def test_hours_of_a_run_and_their_parts_by_method() -> None:
    frame = score_frame(
        {"label": "A", "finals": [1, 2]},
        {"task": "pen-human-v1", "label": "A", "finals": [1]},
        {"label": "B", "finals": [1, 2], "left_out": "failed"},
    )
    runs = pd.DataFrame({"run": frame["run"], "host": ["one", "two", "one", "one", "one"]})
    walls = [3600.0, 7200.0, math.nan, 1.0, 1.0]
    block = cost_table(frame, timing(frame, wall_time_s=walls), runs, labels_of(frame))
    assert texts(block.table) == [
        ["A", "2", "1", "1.50", "0.50", "0.25", "0.10", "0.010", "0.14", "12.35", "123.5", "one and two"]
    ]
    assert block.table.rows[0][3].value == 1.5
    assert block.table.label_column == 0
    assert block.caption.endswith("All together 3.0 hours. 1 run without known times.")


def test_without_counted_runs_or_times_there_are_dashes() -> None:
    frame = score_frame({"label": "A", "finals": [1, 2], "left_out": "failed"})
    runs = pd.DataFrame({"run": frame["run"], "host": "one"})
    known = cost_table(frame, timing(frame), runs, labels_of(frame))
    assert texts(known.table)[0][:4] == ["A", "2", "1", "1.00"]
    assert known.caption.startswith("No run counts;")
    unknown = cost_table(frame, timing(frame, wall_time_s=[0, 0]), runs, labels_of(frame))
    assert unknown.table.header == ("Method", "Runs", "Tasks")
    assert texts(unknown.table)[0] == ["A", "0", "0"]
    assert "2 runs without known times." in unknown.caption
    infinite = cost_table(frame, timing(frame, updates_per_s=[math.inf, math.inf]), runs, labels_of(frame))
    assert no_nonsense(infinite.table)


def test_every_run_with_status_score_and_why_it_does_not_count() -> None:
    frame = score_frame(
        {"label": "A", "finals": [1.0, np.nan], "statuses": ["finished", "failed"], "final_steps": np.nan},
        {"label": "B", "finals": [2.0], "data": "SAC (stand-in)"},
    )
    frame.loc[1, "left_out"] = "no online evaluation"
    first, second, third = frame["run"]
    block = runs_table(
        frame,
        links={first: "../a"},
        settings={first: "rl_coefficient=1"},
        messages={second: "out of\nmemory"},
        missing=("late",),
    )
    task = "hopper-medium-v2"
    assert texts(block.table) == [
        [first, task, "A", "0", "finished", "1.00", "–", "counts", "rl_coefficient=1", "–"],
        [second, task, "A", "1", "failed", "–", "–", "no online evaluation", "–", "out of memory"],
        [third, f"{task} ‡", "B", "0", "finished", "2.00", "10\N{NO-BREAK SPACE}000", "counts", "–", "–"],
        ["late", "–", "–", "–", "not started", "–", "–", "a trial of a sweep that left no run", "–", "–"],
    ]
    assert block.table.rows[0][0].link == "../a"
    assert block.table.label_column == 2
    assert block.caption.startswith("2 of 3 runs count. 1 trial of a sweep left no run.")
    assert "SAC (stand-in)" in block.caption


def test_links_to_run_folders_are_relative_to_the_report(tmp_path: Path) -> None:
    folders = {
        "a": str(tmp_path / "a b#1" / "run"),
        "b": "s3://bucket/b",
        "c": str(tmp_path / "ä\udcff"),
    }
    assert run_links(folders, tmp_path / "report") == {
        "a": "../a%20b%231/run",
        "b": "s3://bucket/b",
        "c": "../%C3%A4%FF",
    }


def test_each_dataset_once_with_label_and_doubts() -> None:
    def dataset(**columns: object) -> DatasetInfo:
        content = {
            "path": "/data/h.hdf5",
            "fingerprint": "sha256:0123456789abcdef",
            "trajectories": 2186,
            "steps": 999_906,
        }
        return DatasetInfo.model_validate(content | columns)

    published, stand_in = (
        dataset(),
        dataset(path="C:\\data\\s.hdf5", label="SAC (stand-in)", doubts=("Too short.",)),
    )
    infos = [run_info(seed=seed, dataset=published) for seed in (0, 1)]
    block = dataset_table([*infos, run_info(dataset=stand_in), run_info(dataset=None)])
    space = "\N{NO-BREAK SPACE}"
    numbers = ["0123456789ab", f"2{space}186", f"999{space}906"]
    assert texts(block.table) == [
        ["hopper-medium-v2", "h.hdf5", *numbers, "the task's published dataset", "–", "2"],
        ["hopper-medium-v2 ‡", "s.hdf5", *numbers, "SAC (stand-in)", "Too short.", "1"],
    ]
    assert block.caption.endswith("dataset: SAC (stand-in) (hopper-medium-v2).")


def test_versions_that_differ_are_marked_and_counted() -> None:
    machine = MachineInfo(cpu_capability="AVX2", learner_threads=2, rollout_threads=1)
    infos = [
        run_info(versions={"vitamin": "1", "torch": "2"}, commit="abc-dirty", host="one", machine=machine),
        run_info(versions={"vitamin": "1", "torch": "3"}, commit=None, host="one", machine=None),
    ]
    block = provenance_table(infos)
    assert texts(block.table) == [
        ["vitamin", "1"],
        ["torch", "*2 (1), 3 (1)*"],
        ["commit", "*abc-dirty (1), unknown (1)*"],
        ["machine", "one"],
        ["CPU instructions", "AVX2 (1)"],
        ["learner threads", "2 (1)"],
        ["rollout threads", "1 (1)"],
    ]
    assert "uncommitted changes" in block.caption
