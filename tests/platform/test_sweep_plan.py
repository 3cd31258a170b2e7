"""From a specification to trials."""

import re
from pathlib import Path
from typing import Any

import pytest

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import SweepError
from vitamin.platform.paths import LONGEST_NAME
from vitamin.platform.sweeps import SweepSpec, make_plan, plan


def spec(**entries: Any) -> SweepSpec:
    return SweepSpec(
        **{
            "name": "s",
            "tasks": ["Pendulum-v1"],
            "methods": ["td3_odt", "odt"],
            "seeds": [0],
            "preset": "tiny",
        }
        | entries
    )


def names(**entries: Any) -> list[str]:
    return [trial.name for trial in make_plan(spec(**entries)).trials]


def test_an_axis_multiplies_only_the_methods_that_use_it() -> None:
    assert names(axes={"rl_coefficient": [0.05, 1]}, seeds=[0, 7]) == [
        "td3_odt-Pendulum-v1-rl_coefficient=0.05-seed0",
        "td3_odt-Pendulum-v1-rl_coefficient=1-seed0",
        "odt-Pendulum-v1-seed0",
        "td3_odt-Pendulum-v1-rl_coefficient=0.05-seed7",
        "td3_odt-Pendulum-v1-rl_coefficient=1-seed7",
        "odt-Pendulum-v1-seed7",
    ]


def test_axes_are_combined_and_can_be_limited_to_methods_and_tasks() -> None:
    axes = {
        "learning_rate": {"values": ["1e-3", 0.01], "methods": ["odt"], "tasks": ["hopper-random-v2"]},
        "initial_temperature": [0.1, 1.0],
    }
    assert names(tasks=["Pendulum-v1", "hopper-random-v2"], methods=["odt"], axes=axes) == [
        "odt-Pendulum-v1-initial_temperature=0.1-seed0",
        "odt-Pendulum-v1-initial_temperature=1-seed0",
        "odt-hopper-random-v2-learning_rate=0.001-initial_temperature=0.1-seed0",
        "odt-hopper-random-v2-learning_rate=0.001-initial_temperature=1-seed0",
        "odt-hopper-random-v2-learning_rate=0.01-initial_temperature=0.1-seed0",
        "odt-hopper-random-v2-learning_rate=0.01-initial_temperature=1-seed0",
    ]


def test_reference_scores_go_to_the_trials_of_their_task() -> None:
    own = "MountainCarContinuous-v0"
    plan = make_plan(spec(tasks=["Pendulum-v1", own], methods=["odt"], reference_scores={own: [-50, 95]}))
    assert [trial.experiment.reference_scores for trial in plan.trials] == [None, (-50, 95)]
    for scores, message in (
        ({"Pendulum-v1": [0, 1]}, "odt-Pendulum-v1-seed0: Pendulum-v1 has reference scores"),
        ({own: [1, 0]}, "the first must be the lower one"),
        ({"MountainCar": [0, 1]}, "reference_scores: 'MountainCar' is not among the tasks"),
    ):
        with pytest.raises(SweepError, match=message):
            make_plan(spec(tasks=["Pendulum-v1", own], methods=["odt"], reference_scores=scores))


def test_the_more_special_setting_wins() -> None:
    plan = make_plan(
        spec(
            tasks=["Pendulum-v1", "hopper-random-v2"],
            overrides={"batch_size": 1, "pretrain_updates": 11, "online_steps": 21, "learning_rate": 0.5},
            per_task={"hopper-random-v2": {"batch_size": 2, "pretrain_updates": 12, "online_steps": 22}},
            per_method={"odt": {"batch_size": 3, "pretrain_updates": 13}},
            axes={"batch_size": {"values": [4], "methods": ["odt"]}},
        )
    )
    settings = [trial.experiment.hyperparameters() for trial in plan.trials]
    assert [s.batch_size for s in settings] == [1, 4, 2, 4]
    assert [s.pretrain_updates for s in settings] == [11, 13, 12, 13]
    assert [s.online_steps for s in settings] == [21, 21, 22, 22]
    assert {s.learning_rate for s in settings} == {0.5}
    assert plan.env_steps == 86
    assert plan.pretrain_updates == 49


def test_each_trial_carries_the_resources_and_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan(
        spec(
            tasks=["Pendulum-v1", "hopper-random-v2"],
            data={"Pendulum-v1": "here/p.hdf5"},
            resources={"num_env_runners": 3, "num_learners": 2, "num_gpus_per_learner": 0.5},
            checkpoint_interval=4,
        )
    )
    first, *_, last = (trial.experiment for trial in plan.trials)
    assert first.data == str(tmp_path / "here" / "p.hdf5")
    assert last.data is None
    assert (first.num_env_runners, first.num_learners, first.num_gpus_per_learner) == (3, 2, 0.5)
    assert first.checkpoint_interval == 4


def test_names_can_be_folder_names() -> None:
    (name,) = names(tasks=["gymnasium.envs.classic_control:Pendulum-v1"], methods=["odt"])
    assert name == "odt-gymnasium.envs.classic_control_Pendulum-v1-seed0"


LONG_AXES = {
    "critic_learning_rate": [0.0003, 0.001],
    "exploration_noise": [0.1, 0.2],
    "action_regularization": [0.01, 0.02],
    "supervised_coefficient": [1.0, 2.0],
    "normalize_rl_coefficient": [True, False],
    "bootstrap_at_time_limit": [True, False],
}


def test_axes_of_a_single_value_are_not_in_names() -> None:
    axes = {name: values[:1] for name, values in LONG_AXES.items()}
    assert names(methods=["td3_odt"], axes=axes | {"tau": [0.1, 0.2]}) == [
        "td3_odt-Pendulum-v1-tau=0.1-seed0",
        "td3_odt-Pendulum-v1-tau=0.2-seed0",
    ]


def test_long_names_are_shortened_and_stay_different() -> None:
    found = names(methods=["td3_odt"], axes=LONG_AXES, seeds=[0, 10**9])
    assert len(set(found)) == len(found) == 128
    assert max(map(len, found)) <= LONGEST_NAME
    assert all(re.fullmatch(r"td3_odt-Pendulum-v1-[0-9a-f]{10}-seed\d+", name) for name in found)
    assert found == names(methods=["td3_odt"], axes=LONG_AXES, seeds=[0, 10**9])
    assert set(names(methods=["td3_odt"], axes=LONG_AXES)) < set(found)


def test_names_differ_where_values_look_alike() -> None:
    found = names(methods=["odt"], axes={"learning_rate": [0.1, 0.1 + 1e-15]})
    assert found[0] == "odt-Pendulum-v1-learning_rate=0.1-seed0"
    assert len({name.casefold() for name in found}) == 2


def test_names_differ_where_tasks_do_by_a_character_that_names_do_not_have() -> None:
    module = "gymnasium.envs.classic_control"
    tasks = [f"{module}:Pendulum-v1", f"{module}.pendulum:Pendulum-v1"]
    long = names(tasks=tasks, methods=["odt"])
    assert len(set(long)) == 2


@pytest.mark.parametrize(
    "entries",
    [
        {"seeds": range(20_000)},
        {
            "axes": {
                name: [value / 100 for value in range(1, 50)]
                for name in ("clip_ratio", "discount", "td_lambda")
            }
        },
        {"axes": {name: list(range(1, 3000)) for name in ("batch_size", "eval_interval", "eval_episodes")}},
    ],
)
def test_too_many_trials_are_counted_and_not_made(
    entries: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_experiment", None)
    with pytest.raises(SweepError, match=r"would have [\d,]+ trials, .* at most 10,000 are possible"):
        make_plan(spec(**{"methods": ["ppo"]} | entries))


def test_a_trial_that_cannot_fit_is_refused_in_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(
        SweepError, match=r"odt-Pendulum-v1-num_layers=1000000-seed0: .* GB, and this machine has"
    ):
        make_plan(spec(methods=["odt"], preset="small", axes={"num_layers": [1, 1_000_000]}))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"tasks": ["hoper-random-v2"]},
            r"tasks: Unknown task 'hoper-random-v2'\. Did you mean hopper-random-v2",
        ),
        ({"methods": ["td3_otd"]}, r"methods: Unknown method 'td3_otd'\. Did you mean td3_odt"),
        ({"preset": "tinny"}, r"preset: Unknown preset 'tinny'\. Did you mean tiny"),
        (
            {"overrides": {"batchsize": 1}},
            r"overrides: Unknown setting 'batchsize'\. Did you mean batch_size",
        ),
        (
            {"overrides": {"batch_size": "many"}},
            r"overrides: Setting batch_size=many does not fit: expected an integer",
        ),
        (
            {"axes": {"rl_coeficient": [1]}},
            r"axes\.rl_coeficient: Unknown setting 'rl_coeficient'\. Did you mean rl_coefficient",
        ),
        (
            {"axes": {"rl_coefficient": [0.1, "x"]}},
            r"axes\.rl_coefficient: Setting rl_coefficient=x does not fit",
        ),
        ({"axes": {"rl_coefficient": [1, 1.0]}}, r"axes\.rl_coefficient lists 1(\.0)? twice"),
        (
            {"axes": {"rl_coefficient": {"values": [1], "methods": ["pdt"]}}},
            r"axes\.rl_coefficient\.methods: 'pdt' is not among",
        ),
        (
            {"axes": {"tau": {"values": [1], "tasks": ["Hopper"]}}},
            r"axes\.tau\.tasks: 'Hopper' is not among the tasks",
        ),
        ({"axes": {"tau": [0.1]}, "methods": ["odt"]}, r"axes\.tau concerns no trial: odt does not use it"),
        (
            {"per_method": {"td3odt": {}}},
            r"per_method: 'td3odt' is not among the methods .*Did you mean td3_odt",
        ),
        (
            {"per_method": {"odt": {"dropuot": 0}}},
            r"per_method\.odt: Unknown setting 'dropuot'\. Did you mean dropout",
        ),
        (
            {"per_task": {"Pendulum": {}}},
            r"per_task: 'Pendulum' is not among the tasks .*Did you mean Pendulum-v1",
        ),
        ({"data": {"Pendulum": "x"}}, r"data: 'Pendulum' is not among the tasks"),
        (
            {"overrides": {"num_heads": 3}},
            r"td3_odt-Pendulum-v1-seed0: .*num_heads 3 does not divide hidden_size 16",
        ),
    ],
)
def test_wrong_names_and_values_are_refused_with_their_place(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(SweepError, match=message):
        make_plan(spec(**entries))


@pytest.mark.parametrize("method", ["td3_odt", "odt"])
def test_ignored_settings_are_hyperparameters(method: str) -> None:
    ignored = ignored_settings(get_method(method))
    assert ignored
    assert set(ignored) <= set(Hyperparameters.model_fields)


def test_methods_do_not_ignore_what_they_are_about() -> None:
    assert "rl_coefficient" in ignored_settings(get_method("odt"))
    assert "rl_coefficient" not in ignored_settings(get_method("td3_odt"))
    assert "initial_temperature" in ignored_settings(get_method("td3_odt"))
    assert "initial_temperature" not in ignored_settings(get_method("odt"))
    assert "learning_rate" not in ignored_settings(get_method("odt"))
