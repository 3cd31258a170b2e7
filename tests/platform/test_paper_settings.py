"""The paper preset against the authors' settings, task by task and column by column."""

import csv
from pathlib import Path
from typing import Any

import pytest

from vitamin.algorithms.coefficients import loss_coefficients
from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS, Phase
from vitamin.platform.catalog import get_task
from vitamin.platform.sweeps import SweepSpec, make_plan
from vitamin.platform.sweeps.spec import Axis
from vitamin.platform.tasks import preset_names, resolve_hyperparameters, task_names
from vitamin.platform.tasks.presets import setting_origins, settings_layers
from vitamin.platform.tasks.registry_files import presets_file, suites, tasks_of
from vitamin.platform.tasks.schema import SuiteFile

Row = dict[str, str]
BOTH_PHASES: tuple[Phase, ...] = ("pretrain", "online")

OURS = {
    "K": "context_length",
    "eval_context_length": "eval_context_length",
    "eval_rtg": "eval_target_return",
    "online_rtg": "online_target_return",
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
    "critic_learning_rate": "critic_learning_rate",
    "gamma": "discount",
    "alpha_rl_coeff": "rl_coefficient",
    "sup_coeff": "supervised_coefficient",
    "num_updates_per_online_iter": "updates_per_iteration",
    "num_actor_update_interval": "actor_update_interval",
    "replay_size_trajs": "replay_capacity",
    "minimum_sapairs_per_iter": "min_env_steps_per_iteration",
    "num_online_rollouts": "envs_per_unit",
    "reward_divisor_offline": "reward_divisor",
    "reward_shift": "reward_shift",
    "rtg_reward_scale": "return_scale",
    "batch_size": "batch_size",
    "embed_dim": "hidden_size",
    "n_layer": "num_layers",
    "n_head": "num_heads",
    "dropout": "dropout",
    "ordering": "timestep_embedding",
    "warmup_steps": "warmup_updates",
    "grad_clip_norm": "gradient_clip",
    "critic_width": "critic_hidden_size",
    "expl_noise": "exploration_noise",
    "TD3_policy_noise": "target_policy_noise",
    "TD3_noise_clip": "target_noise_clip",
    "TD3_tau": "tau",
    "init_temperature": "initial_temperature",
    "eval_interval": "eval_interval",
    "num_eval_episodes": "eval_episodes",
    "max_online_steps_paper": "online_steps",
}
"""Columns whose numbers are ours by another name."""

FIXED = {
    "activation": "relu",
    "actor_optimizer": "LAMB",
    "critic_optimizer": "AdamW",
    "critic_hidden_layers": "2",
    "stochastic_policy": "0",
    "use_entropy_reg": "0",
}
"""Columns that are the same for all tasks and no setting here: the first four are built in, the last two follow from
the method."""

ELSEWHERE = {
    "task",
    "notes",
    "seed",  # the seed of a run
    "max_online_iters",  # no counterpart: a run here ends after online_steps
    "max_online_steps_code",  # see docs/paper-and-code.md
}

DERIVED = {
    "max_pretrain_iters": lambda row, s: (
        int(row["max_pretrain_iters"]) == s.pretrain_updates / int(row["num_updates_per_pretrain_iter"])
    ),
    "num_updates_per_pretrain_iter": lambda row, s: (
        s.pretrain_updates == int(row["num_updates_per_pretrain_iter"]) * int(row["max_pretrain_iters"])
    ),
    "critic_updates_per_pretrain_iter": lambda row, s: (
        int(row["critic_updates_per_pretrain_iter"]) * int(row["max_pretrain_iters"])
        == s.pretrain_updates * s.actor_update_interval
    ),
    "critic_updates_per_online_iter": lambda row, s: (
        int(row["critic_updates_per_online_iter"]) == s.updates_per_iteration * s.actor_update_interval
    ),
    "RL_from_start": lambda row, s: (
        {"0": (1.0, 0.0), "1": ("online", "online")}[row["RL_from_start"]]
        == (s.pretrain_supervised_coefficient, s.pretrain_rl_coefficient)
    ),
    "pretrain_rl_coeff": lambda row, s: (
        float(row["pretrain_rl_coeff"]) == loss_coefficients(METHODS["td3_odt"], s, "pretrain")[1]
    ),
    "critic_layernorm": lambda row, s: (row["critic_layernorm"] == "yes") == s.critic_layer_norm,
    "drop_trivial_trajs": lambda row, s: (
        {"no": False, "1-step trajs after the first 9": True}[row["drop_trivial_trajs"]]
        == s.drop_trivial_trajectories
    ),
    # Online rewards of maze2d-open are divided by 100 by mistake, which is not followed.
    "reward_divisor_online": lambda row, s: (
        float(row["reward_divisor_online"]) == s.reward_divisor or row["task"] == "maze2d-open-v0"
    ),
}
"""Columns in other words or units than ours."""


def _rows() -> list[Row]:
    with (Path(__file__).parent / "fixtures" / "hyperparameters.csv").open(newline="") as file:
        return list(csv.DictReader(file))


ROWS = _rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["task"])
def test_the_paper_preset_is_what_the_authors_ran(row: Row) -> None:
    settings = resolve_hyperparameters(get_task(row["task"]), "td3_odt", "paper", {})
    differing: dict[str, Any] = {
        column: (row[column], getattr(settings, name))
        for column, name in OURS.items()
        if float(row[column]) != getattr(settings, name)
    }
    differing |= {column: row[column] for column, value in FIXED.items() if row[column] != value}
    differing |= {column: row[column] for column, agrees in DERIVED.items() if not agrees(row, settings)}
    assert not differing
    assert settings.embedding_dropout == settings.dropout


def test_every_column_and_every_task_is_accounted_for() -> None:
    assert set(ROWS[0]) == {*OURS, *FIXED, *ELSEWHERE, *DERIVED}
    tasks = [row["task"] for row in ROWS]
    assert len(tasks) == 34
    without_row = set(task_names()) - set(tasks)
    assert without_row == {
        "Pendulum-v1",
        *(task for task in task_names() if task.startswith("antmaze") and task.endswith("-v0")),
    }
    assert len(without_row) == 7


@pytest.mark.parametrize(
    "maze", ["umaze", "umaze-diverse", "medium-play", "medium-diverse", "large-play", "large-diverse"]
)
def test_antmaze_v0_has_the_settings_of_v2(maze: str) -> None:
    old, new = (
        resolve_hyperparameters(get_task(f"antmaze-{maze}-{version}"), "td3_odt", "paper", {})
        for version in ("v0", "v2")
    )
    assert old == new


ALONE = (0.0, 0.7)
MIXED = (1.0, 0.7)
IMITATION = (1.0, 0.0)
ANTMAZE_PRETRAINING = {
    "td3_odt": MIXED,
    "ddpg_odt": MIXED,
    "sac_odt": MIXED,
    "iql_odt": MIXED,
    "awac_odt": MIXED,
    "td3_bc": MIXED,
    "td3": ALONE,
    "sac": ALONE,
    "iql_dt": ALONE,
    "awac": ALONE,
    "iql": ALONE,
    "odt": IMITATION,
    "pdt": IMITATION,
    "grpo": IMITATION,
    "ppo": IMITATION,
    "ppo_odt": IMITATION,
    "awr": IMITATION,
    "awr_odt": IMITATION,
}
"""Weights of the supervised and the RL term with ``rl_coefficient`` 0.7: the paper's code pretrains AntMaze with the
online coefficients (``RL_from_start``), but PPO and AWR by the supervised term alone."""


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("method", METHODS)
def test_antmaze_pretrains_with_the_online_coefficients(method: str, preset: str) -> None:
    chosen = {} if METHODS[method].gradient is None else {"rl_coefficient": 0.7}
    task = get_task("antmaze-umaze-v2")
    settings = resolve_hyperparameters(task, method, preset, chosen)
    assert loss_coefficients(METHODS[method], settings, "pretrain") == ANTMAZE_PRETRAINING[method]
    hopper = resolve_hyperparameters(get_task("hopper-medium-v2"), method, preset, chosen)
    usual = ANTMAZE_PRETRAINING[method] if METHODS[method].network == "mlp" else IMITATION
    assert loss_coefficients(METHODS[method], hopper, "pretrain") == usual
    assert loss_coefficients(METHODS[method], hopper, "online") == loss_coefficients(
        METHODS[method], settings, "online"
    )


def test_a_sweep_over_alpha_changes_both_phases_on_antmaze() -> None:
    axes = {"rl_coefficient": Axis(values=[0.1, 0.5])}
    spec = SweepSpec(name="s", tasks=["antmaze-umaze-v2"], methods=["td3_odt"], seeds=[0], axes=axes)
    for trial, alpha in zip(make_plan(spec).trials, (0.1, 0.5), strict=True):
        settings = trial.experiment.hyperparameters()
        for phase in BOTH_PHASES:
            assert loss_coefficients(METHODS["td3_odt"], settings, phase) == (1.0, alpha)


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize(
    ("task", "published"),
    [
        ("antmaze-umaze-v2", {"expectile": 0.9, "inverse_temperature": 10.0, "reward_shift": -1.0}),
        ("antmaze-large-play-v0", {"expectile": 0.9, "inverse_temperature": 10.0, "reward_shift": -1.0}),
        ("pen-human-v1", {"expectile": 0.8, "inverse_temperature": 3.0, "dropout": 0.1}),
        ("hammer-cloned-v1", {"expectile": 0.8, "inverse_temperature": 3.0, "dropout": 0.1}),
        ("hopper-medium-v2", {"expectile": 0.7, "inverse_temperature": 3.0}),
        ("maze2d-umaze-v1", {"expectile": 0.7, "inverse_temperature": 3.0}),
        ("Pendulum-v1", {"expectile": 0.7, "inverse_temperature": 3.0, "reward_divisor": 10.0}),
    ],
)
def test_iql_has_corl_s_settings_of_each_suite(task: str, published: dict[str, Any], preset: str) -> None:
    everywhere = {
        "dropout": 0.0,
        "critic_layer_norm": False,
        "discount": 0.99,
        "tau": 0.005,
        "learning_rate": 3e-4,
        "critic_learning_rate": 3e-4,
        "max_advantage_weight": 100.0,
        "reward_divisor": 1.0,
        "reward_shift": 0.0,
        "bootstrap_at_time_limit": True,
        "bootstrap_at_offline_cuts": True,
        "drop_trivial_trajectories": False,
    }
    searched = {"tau": 0.02} if (preset, get_task(task).suite) == ("small", "mujoco") else {}
    settings = resolve_hyperparameters(get_task(task), "iql", preset, {}).model_dump()
    assert settings.items() >= (everywhere | published | searched).items()
    if "expectile" in published and published["expectile"] != 0.7:
        origins = setting_origins(settings_layers(get_task(task), "iql", preset))
        assert origins["expectile"].place == f"suite {get_task(task).suite}, method iql"
        assert "CORL" in origins["expectile"].source


def test_td3_bc_has_neither_layer_norm_nor_divided_rewards() -> None:
    for task in ("hammer-human-v1", "antmaze-umaze-v2", "hopper-random-v2"):
        settings = resolve_hyperparameters(get_task(task), "td3_bc", "paper", {})
        assert (settings.critic_layer_norm, settings.reward_divisor, settings.dropout) == (False, 1.0, 0.0)


@pytest.mark.parametrize(
    ("task", "return_scale"),
    [
        ("antmaze-umaze-v2", 1.0),
        ("hopper-medium-v2", 0.001),
        ("pen-human-v1", 0.001),
        ("maze2d-open-v0", 0.001),
    ],
)
def test_pdt_has_its_release_s_settings(task: str, return_scale: float) -> None:
    paper, small = (
        resolve_hyperparameters(get_task(task), "pdt", preset, {}) for preset in ("paper", "small")
    )
    for settings in (paper, small):
        assert (settings.return_scale, settings.reward_shift, settings.reward_divisor) == (return_scale, 0, 1)
    ours = 1_000 if get_task(task).suite == "mujoco" else 2_000
    assert (paper.pretrain_updates, small.pretrain_updates) == (50_000, ours)
    origins = setting_origins(settings_layers(get_task(task), "pdt", "paper"))
    assert origins["pretrain_updates"].place == "preset paper, method pdt"


@pytest.mark.parametrize("name", task_names())
def test_every_setting_has_a_place_and_a_source(name: str) -> None:
    for preset in preset_names():
        layers = settings_layers(get_task(name), "odt", preset)
        origins = setting_origins(layers)
        assert set(origins) == set(Hyperparameters.model_fields)
        assert all(layer.place and layer.source for layer in origins.values())
        settings = resolve_hyperparameters(get_task(name), "odt", preset, {})
        for setting, layer in origins.items():
            if layer.values:
                assert getattr(settings, setting) == layer.values[setting]


def test_blocks_of_methods_set_what_these_methods_use() -> None:
    environments = [environment for suite in suites() for environment in suite.environments.values()]
    own = [preset for holder in (*suites(), *environments) for preset in holder.presets.values()]
    holders = [presets_file(), *presets_file().presets.values(), *suites(), *own]
    for method, block in [item for holder in holders for item in holder.methods.items()]:
        unused = ignored_settings(METHODS[method]).keys() & block.hyperparameters.keys()
        assert unused <= {
            "rl_coefficient",
            "pretrain_rl_coefficient",
            "num_heads",
        }  # shown as 0, and a divisor
        assert not METHODS[method].fixed.keys() & block.hyperparameters.keys()


def test_suites_and_environments_change_presets_that_exist() -> None:
    for suite in suites():
        for holder in (suite, *suite.environments.values()):
            assert set(holder.presets) <= set(preset_names())


def test_places_in_the_order_in_which_they_count() -> None:
    """A suite that says something in each block: of two places that set a value, the later one counts."""
    settings: dict[str, Any] = {"hyperparameters": {"tau": 0.5}}
    sourced = settings | {"source": "here"}
    preset: dict[str, Any] = sourced | {"methods": {"pdt": sourced}}
    environment = {
        "env_id": "Pendulum-v1",
        "max_episode_steps": 200,
        "observation_size": 3,
        "action_size": 1,
        "action_low": -2,
        "action_high": 2,
    }
    content = settings | {
        "suite": "toys",
        "summary": "",
        "sources": [],
        "hyperparameters_source": "here",
        "dataset_base_url": "",
        "datasets": {"random": settings | {"summary": ""}},
        "methods": {"pdt": sourced},
        "presets": {"paper": preset, "small": sourced},
        "environments": {
            "toy": environment
            | settings
            | {
                "presets": {"paper": preset},
                "tasks": {"toy-random": settings | {"dataset": "random", "file": "toy.hdf5"}},
            }
        },
    }
    (task,) = tasks_of(SuiteFile.model_validate(content))
    assert [layer.place for layer in settings_layers(task, "pdt", "paper")] == [
        "suite toys",
        "environment toy",
        "data random",
        "task toy-random",
        "suite toys, preset paper",
        "environment toy, preset paper",
        "suite toys, method pdt",
        "preset paper, method pdt",
        "suite toys, preset paper, method pdt",
        "environment toy, preset paper, method pdt",
    ]
    places = [layer.place for layer in settings_layers(task, "td3_bc", "small")]
    assert places[4:] == ["preset small", "suite toys, preset small", "method td3_bc", "definition of td3_bc"]


def test_the_last_place_that_sets_a_value_is_its_origin() -> None:
    def places(task: str, method: str, preset: str) -> dict[str, str]:
        origins = setting_origins(settings_layers(get_task(task), method, preset))
        return {name: layer.place for name, layer in origins.items()}

    door = places("door-human-v1", "td3_odt", "paper")
    assert door["return_scale"] == "environment door"
    assert door["replay_capacity"] == "suite adroit"
    assert door["batch_size"] == "default"
    assert places("antmaze-umaze-v2", "td3", "paper")["pretrain_supervised_coefficient"] == "suite antmaze"
    assert places("antmaze-umaze-v2", "ppo", "paper")["pretrain_supervised_coefficient"] == "method ppo"
    assert places("hopper-random-v2", "td3_odt", "paper")["min_env_steps_per_iteration"] == "data random"
    assert places("hopper-random-v2", "odt", "small")["rl_coefficient"] == "method odt"
    assert places("hopper-random-v2", "odt", "small")["batch_size"] == "preset small"
    assert places("Pendulum-v1", "odt", "small")["hidden_size"] == "environment pendulum, preset small"
    assert places("hopper-random-v2", "odt", "small")["hidden_size"] == "suite mujoco, preset small"
    assert places("hopper-random-v2", "iql", "small")["hidden_size"] == "method iql"
    own = places("hopper-random-v2", "pdt", "small")["warmup_env_steps"]
    assert own == "suite mujoco, preset small, method pdt"


def test_the_departures_of_the_published_code_are_the_paper_preset_s_alone() -> None:
    task = get_task("antmaze-medium-play-v2")
    paper, small = (resolve_hyperparameters(task, "td3_odt", preset, {}) for preset in ("paper", "small"))
    assert (paper.bootstrap_at_time_limit, small.bootstrap_at_time_limit) == (False, True)
    assert (paper.bootstrap_at_offline_cuts, small.bootstrap_at_offline_cuts) == (False, True)
    assert (paper.drop_worst_trajectory, small.drop_worst_trajectory) == (True, False)
    entropies = (resolve_hyperparameters(task, "iql_odt", preset, {}) for preset in ("paper", "small"))
    assert [settings.published_entropy for settings in entropies] == [True, False]
    hopper = resolve_hyperparameters(get_task("hopper-medium-v2"), "td3_odt", "paper", {})
    assert hopper.bootstrap_at_offline_cuts is True  # the MuJoCo files keep true terminals
