"""The sweep's folder: what is refused, what is remembered, and how far the trials are."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

from vitamin.analysis.manifest import FileState, Manifest
from vitamin.analysis.schema import DatasetInfo, RunInfo, Status
from vitamin.errors import SweepError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset, fingerprint
from vitamin.platform.experiments.checkpoints import save_checkpoint
from vitamin.platform.sweeps import Plan, SweepFolder, SweepProgress, SweepSpec, Trial, make_plan

ENTRIES = {
    "name": "s",
    "tasks": ["Pendulum-v1"],
    "methods": ["td3_odt", "odt"],
    "seeds": [0],
    "preset": "tiny",
}
OWN = "tests.platform.own_environments:Corridor-v0"
ODT = "odt-Pendulum-v1-seed0"
SETTINGS = {"pretrain_updates": 100, "online_steps": 1000}


class Episodes(NamedTuple):
    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]


def plan(**entries: Any) -> Plan:
    return make_plan(SweepSpec(**ENTRIES | {"overrides": SETTINGS} | entries))


def create(path: Path, made: Plan | None = None, *, resume: bool = False) -> None:
    with SweepFolder(path, made or plan(), resume=resume):
        pass


def write_run(
    folder: Path,
    status: Status,
    message: str | None = None,
    metrics: str = "",
    dataset: DatasetInfo | None = None,
) -> None:
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    RunInfo(
        name=folder.name, task="Pendulum-v1", method="odt", preset="tiny", seed=0, status=status, message=message,
        versions={}, host="h", started=now, updated=now, dataset=dataset,
    ).write(folder)  # fmt: skip
    (folder / "metrics.jsonl").write_text(metrics)


def write_checkpoint(folder: Path) -> None:
    for name in ("tensors.safetensors", "replay.safetensors", "state.json"):
        (folder / name).write_text(name)


def line_of_metrics(**entries: Any) -> dict[str, Any]:
    return {
        "iteration": 1,
        "phase": "pretrain",
        "gradient_updates": 0,
        "env_steps": 0,
        "time/iteration_s": 1.0,
    } | entries


def test_the_specification_and_the_trials_are_written_down(tmp_path: Path) -> None:
    create(tmp_path / "new")
    content = json.loads((tmp_path / "new" / "sweep.json").read_text())
    assert content["schema_version"] == 1
    assert content["spec"]["methods"] == ["td3_odt", "odt"]
    assert [trial["name"] for trial in content["trials"]] == [
        "td3_odt-Pendulum-v1-seed0",
        "odt-Pendulum-v1-seed0",
    ]
    assert content["trials"][0]["overrides"] == SETTINGS


def test_a_sweep_is_continued_only_when_asked(tmp_path: Path) -> None:
    create(tmp_path)
    write_run(tmp_path / ODT, "running")
    with pytest.raises(SweepError, match=r"already holds a sweep\. Continue it with --resume"):
        create(tmp_path)
    create(tmp_path, resume=True)
    create(tmp_path / "empty", resume=True)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for resume in (False, True):
        with pytest.raises(SweepError, match=r"not empty and holds no sweep \(notes.txt"):
            create(tmp_path, resume=resume)


def test_a_folder_in_use_is_refused_and_free_again_afterwards(tmp_path: Path) -> None:
    with (
        SweepFolder(tmp_path, plan(), resume=False),
        pytest.raises(SweepError, match="being written by another sweep"),
    ):
        create(tmp_path, resume=True)
    create(tmp_path, resume=True)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SweepError, match=r"Cannot write to .* Choose another --out"):
        create(tmp_path / "file" / "sweep")


def test_a_resumed_sweep_may_grow_but_not_change(tmp_path: Path) -> None:
    create(tmp_path)
    write_run(tmp_path / ODT, "running")
    with pytest.raises(SweepError, match="the overrides of td3_odt-Pendulum-v1-seed0 changed"):
        create(tmp_path, plan(overrides={}), resume=True)
    with pytest.raises(SweepError, match="odt-Pendulum-v1-seed0 is not a trial of this specification"):
        create(tmp_path, plan(methods=["td3_odt"]), resume=True)
    create(tmp_path, plan(seeds=[0, 1], resources={"num_env_runners": 5}, checkpoint_interval=1), resume=True)
    assert len(json.loads((tmp_path / "sweep.json").read_text())["trials"]) == 4


def test_overrides_that_a_method_does_not_use_keep_no_sweep_from_going_on(tmp_path: Path) -> None:
    create(tmp_path)
    write_run(tmp_path / ODT, "running")
    file = tmp_path / "sweep.json"
    content = json.loads(file.read_text())
    for trial in content["trials"]:
        trial["overrides"]["latent_size" if trial["method"] == "odt" else "clip_ratio"] = 0.3
    file.write_text(json.dumps(content))
    create(tmp_path, resume=True)


def test_settings_that_other_data_give_are_no_change_of_a_trial(tmp_path: Path) -> None:
    def of(best: float, **entries: Any) -> Plan:
        made = plan(tasks=[OWN], **entries)
        data = Episodes(np.full(2, best), np.full(2, 10))
        return Plan(
            made.spec,
            tuple(Trial(trial.name, trial.experiment.with_data(lambda: data)) for trial in made.trials),
        )

    files = [tmp_path / f"{name}.hdf5" for name in ("first", "second")]
    for seed, file in enumerate(files):
        collect_dataset(get_task(OWN), steps=50, seed=seed, out=file)
    out, first, second = (
        tmp_path / "sweep",
        *(of(best, data={OWN: str(file)}) for best, file in zip((1.0, 900.0), files, strict=True)),
    )
    create(out, first)
    dataset = DatasetInfo(path="a", fingerprint=fingerprint(files[0]), trajectories=1, steps=50)
    write_run(out / first.trials[0].name, "running", dataset=dataset)
    with pytest.raises(SweepError, match="holds a sweep on other data"):
        create(out, second, resume=True)


def test_a_sweep_is_not_continued_on_other_data(tmp_path: Path) -> None:
    first, second = (
        collect_dataset(get_task("Pendulum-v1"), steps=200, seed=seed, out=tmp_path / f"{seed}.hdf5")
        for seed in range(2)
    )
    out, made = tmp_path / "sweep", plan(data={"Pendulum-v1": str(first)})
    create(out, made)
    dataset = DatasetInfo(path=str(first), fingerprint=fingerprint(first), trajectories=1, steps=200)
    write_run(out / "odt-Pendulum-v1-seed0", "finished", dataset=dataset)
    create(out, made, resume=True)
    before = (out / "sweep.json").read_bytes()
    other = rf"odt-Pendulum-v1-seed0 was started on {first}; {second} differs"
    with pytest.raises(SweepError, match=other):
        create(out, plan(data={"Pendulum-v1": str(second)}), resume=True)
    assert (out / "sweep.json").read_bytes() == before
    first.rename(tmp_path / "moved.hdf5")
    create(out, plan(data={"Pendulum-v1": str(tmp_path / "moved.hdf5")}), resume=True)


@pytest.mark.parametrize("text", ["{", "[]", '{"trials": [{}]}'])
def test_a_damaged_record_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(SweepError, match=r"sweep\.json is damaged"):
        create(tmp_path, resume=True)


def test_a_sweep_that_ended_before_its_first_trial_is_no_obstacle(tmp_path: Path) -> None:
    create(tmp_path)
    create(tmp_path, plan(overrides={}))
    (tmp_path / ODT).mkdir()
    (tmp_path / ODT / ".lock").touch()
    create(tmp_path, plan(methods=["iql"]), resume=True)
    trials = json.loads((tmp_path / "sweep.json").read_text())["trials"]
    assert [trial["name"] for trial in trials] == ["iql-Pendulum-v1-seed0"]
    (tmp_path / ODT / "config.yaml").touch()
    with pytest.raises(SweepError, match="already holds a sweep"):
        create(tmp_path, plan(methods=["iql"]))


@pytest.mark.parametrize("text", ["{", "[]", '{"trials": [{}]}', '{"trials": {"a": 1}}', '{"trials": ["a"]}'])
def test_a_damaged_record_is_written_anew_if_trials_were_started(tmp_path: Path, text: str) -> None:
    create(tmp_path)
    before = (tmp_path / "sweep.json").read_text()
    write_run(tmp_path / ODT, "running")
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(SweepError, match=r"sweep\.json is damaged"):
        create(tmp_path)
    with SweepFolder(tmp_path, plan(), resume=True) as folder:
        assert folder.notices == [
            f"{tmp_path / 'sweep.json'} was damaged and is written anew; 1 of 2 trials were started."
        ]
    assert (tmp_path / "sweep.json").read_text() == before


@pytest.mark.parametrize(
    "line",
    [b"\0" * 40, b"\xff\xfe\xfa", b"{}", b"7", b"null", b'{"iteration": 9}', b'{"phase": 3, "env', b"["],
    ids=repr,
)
def test_damaged_lines_of_metrics_are_passed_over(tmp_path: Path, line: bytes) -> None:
    made = plan()
    good = json.dumps(line_of_metrics(env_steps=400, **{"evaluation/return_mean": -3.0})).encode()
    with SweepFolder(tmp_path, made, resume=False) as folder:
        run = folder.run_folder(made.trials[0])
        write_run(run, "failed")
        for text in (
            good + b"\n" + line,
            good + b"\n" + line + b"\n",
            line + b"\n" + good + b"\r\n" + line + b"\n",
        ):
            (run / "metrics.jsonl").write_bytes(text)
            state, _ = folder.progress().trials.values()
            assert (state.env_steps, state.episode_return) == (400, -3.0)
        (run / "metrics.jsonl").write_bytes(line + b"\n")
        state, _ = folder.progress().trials.values()
        assert (state.status, state.env_steps) == ("waiting", 0)


def test_damaged_files_of_trials_that_are_done_are_named(tmp_path: Path) -> None:
    made = plan()
    with SweepFolder(tmp_path, made, resume=False) as folder:
        first, second = (folder.run_folder(trial) for trial in made.trials)
        write_run(first, "finished", metrics=json.dumps(line_of_metrics()) + "\n")
        names = ("run.json", "metrics.jsonl")
        files = {name: (FileState.of((first / name).read_bytes()),) for name in names}
        (first / "manifest.json").write_text(Manifest(files=files).model_dump_json())
        (first / "metrics.jsonl").unlink()
        write_run(second, "finished")
        (second / "run.json").write_text("{")
        done, damaged = folder.progress().trials.values()
    assert (done.status, damaged.status) == ("finished", "failed")
    assert folder.notices == [
        f"{first.name} is finished, but metrics.jsonl is gone. Remove its folder to have it run again."
    ]
    assert "run.json is damaged" in str(damaged.message)
    assert str(damaged.message).endswith("Remove its folder to have it run again.")


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"name": name}
            for name in (3, None, "", "a\0b", "\ud800", "/etc", "../esc", "..", "a/b", "é", "a" * 256)
        ),
        *({"method": method} for method in ("", "no such method", 3, None)),
        {"overrides": None},
    ],
    ids=ascii,
)
def test_names_and_settings_that_no_trial_has_are_damage(tmp_path: Path, changes: dict[str, Any]) -> None:
    create(tmp_path)
    file = tmp_path / "sweep.json"
    before = file.read_text()
    content = json.loads(before)
    content["trials"][1] |= changes
    file.write_text(json.dumps(content))
    with pytest.raises(SweepError, match=r"sweep\.json is damaged: .* Choose another --out\.$"):
        create(tmp_path, resume=True)
    write_run(tmp_path / ODT, "running")
    with pytest.raises(
        SweepError, match=r"sweep\.json is damaged: .* or --resume the sweep that is there\.$"
    ):
        create(tmp_path)
    with SweepFolder(tmp_path, plan(), resume=True) as folder:
        assert folder.notices == [f"{file} was damaged and is written anew; 1 of 2 trials were started."]
    assert file.read_text() == before


def test_an_entry_without_a_method_is_damage(tmp_path: Path) -> None:
    create(tmp_path, plan(overrides={}))
    content = json.loads((tmp_path / "sweep.json").read_text())
    del content["trials"][0]["method"]
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(
        SweepError, match=r"sweep\.json is damaged: what it holds of td3_odt-.* is no trial's"
    ):
        create(tmp_path, plan(overrides={}), resume=True)


def test_a_record_that_is_gone_is_written_anew_if_trials_were_started(tmp_path: Path) -> None:
    create(tmp_path)
    before = (tmp_path / "sweep.json").read_text()
    write_run(tmp_path / ODT, "running")
    (tmp_path / "sweep.json").unlink()
    with pytest.raises(SweepError, match=r"holds no sweep \(.*\)\. .* or --resume the sweep that is there"):
        create(tmp_path)
    with SweepFolder(tmp_path, plan(), resume=True) as folder:
        assert folder.notices == [
            f"{tmp_path / 'sweep.json'} was gone and is written anew; 1 of 2 trials were started."
        ]
    assert (tmp_path / "sweep.json").read_text() == before


def test_damaged_checkpoints_of_trials_that_are_done_are_named(tmp_path: Path) -> None:
    made = plan()
    with SweepFolder(tmp_path, made, resume=False) as folder:
        for trial, status in zip(made.trials, ("finished", "diverged"), strict=True):
            write_run(folder.run_folder(trial), status)
            checkpoint = save_checkpoint(folder.run_folder(trial) / "checkpoints", 1, write_checkpoint)
            assert folder.progress().trials[trial.name].status == status
            assert folder.notices == []
            (checkpoint / "tensors.safetensors").write_bytes(b"other")
            folder.progress()
            (notice,) = folder.notices
            assert notice.startswith(f"{trial.name} is {status}, but checkpoints/00000001 changed since")
            (checkpoint / "tensors.safetensors").write_bytes(b"tensors.safetensors")
            folder.notices.clear()


def test_a_refused_folder_is_left_unlocked(tmp_path: Path) -> None:
    create(tmp_path)
    write_run(tmp_path / ODT, "running")
    with pytest.raises(SweepError):
        create(tmp_path)
    FileLock(tmp_path / ".lock").acquire(timeout=0)


def test_what_an_interrupted_sweep_left_behind_is_cleared(tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / ".stop").touch()
    (tmp_path / ".tune" / "s").mkdir(parents=True)
    with SweepFolder(tmp_path, plan(), resume=True) as folder:
        assert not folder.stop_file.exists()
        assert not folder.tune_folder.exists()


def test_run_folders_tell_what_is_done(tmp_path: Path) -> None:
    made = plan(seeds=[0, 1])
    evaluated = json.dumps(
        line_of_metrics(
            gradient_updates=50, **{"evaluation/return_mean": -3.0, "evaluation/normalized_score": 9.0}
        )
    )
    last = json.dumps(line_of_metrics(phase="online", gradient_updates=120, env_steps=400))
    with SweepFolder(tmp_path, made, resume=False) as folder:
        first, second, third, fourth = (folder.run_folder(trial) for trial in made.trials)
        write_run(first, "finished", metrics=f"{evaluated}\n{last}\n")
        write_run(second, "diverged", "loss became NaN")
        write_run(third, "failed", "disk full", metrics=f"{last}\n" + '{"iteration": 9, "pha')
        write_run(
            fourth, "stopped", "stopped by SIGINT at 4 of 8 pretraining updates; `--resume` continues it"
        )
        states = list(folder.progress().trials.values())
    assert [state.status for state in states] == ["finished", "diverged", "waiting", "waiting"]
    assert [state.message for state in states] == [None, "loss became NaN", None, None]
    assert [state.env_steps for state in states] == [400, 0, 400, 0]
    assert [state.normalized_score for state in states] == [9.0, None, None, None]


def test_time_left_follows_from_the_speed_in_each_phase() -> None:
    progress = SweepProgress.of(plan(seeds=[0, 1]))
    name = "td3_odt-Pendulum-v1-seed0"
    assert progress.seconds_left() is None
    progress.trials[name].status = "running"
    progress.record(name, line_of_metrics(gradient_updates=50, **{"time/iteration_s": 5.0}))
    assert progress.seconds_left() is None  # nothing is known of the online phase
    progress.record(name, line_of_metrics(iteration=2, gradient_updates=100, **{"time/iteration_s": 5.0}))
    progress.record(
        name,
        line_of_metrics(
            iteration=3, phase="online", gradient_updates=110, env_steps=100, **{"time/iteration_s": 2.0}
        ),
    )
    # 0.1 s an update and 0.02 s a step, also for the trials that wait: 18 s, and three times 10 s + 20 s.
    assert progress.seconds_left() == pytest.approx(18 + 3 * 30)
    progress.trials["odt-Pendulum-v1-seed0"].status = "running"
    assert progress.seconds_left() == pytest.approx((18 + 3 * 30) / 2)
    progress.trials[name].status = "finished"
    for other in ("td3_odt-Pendulum-v1-seed1", "odt-Pendulum-v1-seed1"):
        progress.trials[other].status = "failed"
    assert progress.seconds_left() == pytest.approx(30)
    progress.trials["odt-Pendulum-v1-seed0"].status = "finished"
    assert progress.seconds_left() == 0


def test_each_method_has_its_own_speed() -> None:
    progress = SweepProgress.of(plan())
    for name, seconds in (("td3_odt-Pendulum-v1-seed0", 4.0), ("odt-Pendulum-v1-seed0", 1.0)):
        progress.trials[name].status = "running"
        progress.record(name, line_of_metrics(gradient_updates=100, **{"time/iteration_s": seconds}))
        progress.record(
            name, line_of_metrics(iteration=2, phase="online", env_steps=500, **{"time/iteration_s": seconds})
        )
    assert progress.seconds_left() == pytest.approx(4)


def test_the_first_line_after_a_resume_is_no_measure_of_speed() -> None:
    progress = SweepProgress.of(plan(methods=["odt"]))
    (name,) = progress.trials
    progress.trials[name].status = "running"
    progress.record(name, line_of_metrics(iteration=7, phase="online", env_steps=900))
    assert progress.seconds_left() is None
    progress.record(
        name, line_of_metrics(iteration=8, phase="online", env_steps=950, **{"time/iteration_s": 10.0})
    )
    assert progress.seconds_left() == pytest.approx(10)


def test_trials_are_found_under_the_names_they_were_started_with(tmp_path: Path) -> None:
    axes = {"tau": [0.1], "discount": [0.9, 0.95]}
    create(tmp_path, plan(methods=["td3_odt"], axes=axes))
    content = json.loads((tmp_path / "sweep.json").read_text())
    for trial in content["trials"]:  # as version 0.1.0 named them
        trial["name"] = trial["name"].replace("-discount", "-tau=0.1-discount")
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    old = [trial["name"] for trial in content["trials"]]
    assert old[0] == "td3_odt-Pendulum-v1-tau=0.1-discount=0.9-seed0"
    write_run(tmp_path / old[0], "finished")

    with SweepFolder(tmp_path, plan(methods=["td3_odt"], axes=axes), resume=True) as folder:
        states = folder.progress().trials
        assert list(states) == old
        assert [state.status for state in states.values()] == ["finished", "waiting"]
    more = plan(methods=["td3_odt"], axes=axes | {"tau": [0.1, 0.2]})
    with SweepFolder(tmp_path, more, resume=True) as folder:
        assert [trial.name for trial in folder.plan.trials] == [
            *old,
            "td3_odt-Pendulum-v1-tau=0.2-discount=0.9-seed0",
            "td3_odt-Pendulum-v1-tau=0.2-discount=0.95-seed0",
        ]


def test_a_sweep_goes_on_whose_values_had_other_names(tmp_path: Path) -> None:
    def axes(*networks: str) -> Plan:
        return plan(methods=["td3_odt"], axes={"critic_network": [*networks]})

    create(tmp_path, axes("mlp", "lstm"))
    file = tmp_path / "sweep.json"
    file.write_text(file.read_text().replace("mlp", "perceptron"))
    names = [f"td3_odt-Pendulum-v1-critic_network={network}-seed0" for network in ("perceptron", "lstm")]
    write_run(tmp_path / names[0], "finished")
    for networks in (("perceptron", "lstm"), ("mlp", "lstm")):
        with SweepFolder(tmp_path, axes(*networks), resume=True) as folder:
            states = folder.progress().trials
            assert [(name, state.status) for name, state in states.items()] == [
                (names[0], "finished"),
                (names[1], "waiting"),
            ]
    with pytest.raises(SweepError, match="critic_network=perceptron-seed0 is not a trial"):
        create(tmp_path, axes("rnn", "lstm"), resume=True)


def test_a_folder_that_is_refused_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(SweepError, match="is not empty and holds no sweep"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    deep = Path(*["x" * 200] * 19)
    with pytest.raises(SweepError, match=r"is too long: .* 4096 are possible"):
        create(tmp_path / deep)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
