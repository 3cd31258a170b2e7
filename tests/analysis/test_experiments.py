from typing import Any

import pytest

from tests.analysis.made_results import MadeResults, results_of, run
from vitamin.analysis.choice import Choice
from vitamin.analysis.scores import run_scores

SMALL = {"rl_coefficient": 0.1, "batch_size": 64, "hidden_size": 128, "num_layers": 2, "context_length": 10}
PAPER = {"rl_coefficient": 0.1, "batch_size": 256, "hidden_size": 512, "num_layers": 4, "context_length": 20}
OTHER = "sha256:fedcba9876543210"


def labels(results: MadeResults, **choice: Any) -> dict[str, str]:
    frame = run_scores(results, Choice(**choice)).frame
    return dict(zip(frame["run"], frame["label"], strict=True))


def small(key: str, preset: str = "small", **values: Any) -> dict[str, Any]:
    """A run of a preset that is called ``preset`` but is the small one."""
    overrides = values.pop("overrides", {})
    return run(key, preset=preset, overrides=overrides, settings=SMALL | {"seed": 3} | overrides, **values)


def test_equal_settings_are_no_part_of_the_label_and_are_not_read() -> None:
    results = results_of(*(small(str(seed), seed=seed, overrides={"batch_size": 32}) for seed in range(3)))
    assert set(labels(results).values()) == {"TD3+ODT"}
    assert results.asked == []


def test_a_swept_setting_labels_the_runs_of_its_method_with_the_presets_own_value_as_a_number() -> None:
    results = results_of(
        small("a", overrides={"rl_coefficient": 0.5}),
        small("b", overrides={"rl_coefficient": 1.0}),
        small("c"),
        small("d", method="odt"),
    )
    assert labels(results) == {
        "a": "TD3+ODT, rl_coefficient=0.5",
        "b": "TD3+ODT, rl_coefficient=1",
        "c": "TD3+ODT, rl_coefficient=0.1",
        "d": "ODT",
    }
    scores = run_scores(results)
    assert scores.settings["TD3+ODT, rl_coefficient=0.5"] == {"rl_coefficient": "0.5"}
    assert scores.settings["ODT"] == {}
    assert list(scores.settings) == list(scores.labels)


def test_one_run_is_read_for_each_way_of_giving_settings() -> None:
    results = results_of(
        *(small(f"a{seed}", seed=seed) for seed in range(50)),
        *(small(f"b{seed}", seed=seed, overrides={"batch_size": 32}) for seed in range(50)),
        *(small(f"c{seed}", seed=seed, method="odt") for seed in range(50)),
    )
    labels(results)
    assert results.asked == ["a0", "b0"]


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        ({"batch_size": 64}, {}),  # the preset's own value
        ({"batch_size": 64.0}, {}),
        ({"learner_threads": 4, "rollout_threads": 2}, {}),
        ({"online_steps": 100, "eval_interval": 1, "eval_episodes": 50, "eval_envs_per_unit": 2}, {}),
        ({}, {"num_env_runners": 4, "num_learners": 2, "num_gpus_per_learner": 1, "checkpoint_interval": 3}),
        ({"expectile": 0.9, "group_size": 4, "latent_size": 8}, {}),  # of other methods
        ({"max_timestep": 500}, {"timestep_embedding": False}),  # not read without the embedding
    ],
)
def test_what_has_no_influence_makes_no_other_experiment(
    overrides: dict[str, Any], settings: dict[str, Any]
) -> None:
    base = SMALL | {"timestep_embedding": False, "max_timestep": 1000}
    results = results_of(
        run("a", settings=base),
        run("b", overrides=overrides, settings=base | overrides | settings, seed=1),
    )
    assert labels(results) == {"a": "TD3+ODT", "b": "TD3+ODT"}


def test_settings_that_the_method_does_not_read() -> None:
    for method, apart in (("odt", False), ("td3_odt", True)):
        results = results_of(
            run("a", method=method, settings=SMALL | {"tau": 0.005}),
            run("b", method=method, settings=SMALL | {"tau": 0.01}, overrides={"tau": 0.01}),
        )
        assert (len({*labels(results).values()}) == 2) is apart


def test_presets_that_resolve_to_the_same() -> None:
    results = results_of(small("a"), small("b", preset="mine", seed=1))
    assert labels(results) == {"a": "TD3+ODT", "b": "TD3+ODT"}


def test_presets_that_differ_in_much_are_named() -> None:
    results = results_of(
        small("a"),
        small("b", overrides={"rl_coefficient": 1.0}),
        run("c", preset="paper", settings=PAPER),
    )
    assert labels(results) == {
        "a": "TD3+ODT, preset=small, rl_coefficient=0.1",
        "b": "TD3+ODT, preset=small, rl_coefficient=1",
        "c": "TD3+ODT, preset=paper, rl_coefficient=0.1",
    }


def test_presets_that_differ_in_little_are_not_named() -> None:
    results = results_of(small("a"), run("b", preset="wide", settings=SMALL | {"hidden_size": 256}))
    assert labels(results) == {"a": "TD3+ODT, hidden_size=128", "b": "TD3+ODT, hidden_size=256"}


def test_a_setting_that_differs_between_tasks_only_is_no_part_of_the_label() -> None:
    results = results_of(
        small("a", task="hopper-medium-v2", overrides={"rl_coefficient": 0.5}),
        run("b", task="walker2d-medium-v2", preset="paper", settings=PAPER),
    )
    assert set(labels(results).values()) == {"TD3+ODT"}


def test_a_sweep_on_one_task_labels_the_runs_on_others() -> None:
    results = results_of(
        small("a", overrides={"rl_coefficient": 0.5}),
        small("b"),
        small("c", task="walker2d-medium-v2"),
    )
    assert labels(results) == {
        "a": "TD3+ODT, rl_coefficient=0.5",
        "b": "TD3+ODT, rl_coefficient=0.1",
        "c": "TD3+ODT, rl_coefficient=0.1",
    }
    notes = run_scores(results).notes
    assert "TD3+ODT, rl_coefficient=0.5 has no run that counts on walker2d-medium-v2." in notes


def test_data_that_differ_are_told_by_their_files_names_or_else_by_their_digests() -> None:
    results = results_of(small("a", file="real.hdf5"), small("b", file="noise.hdf5", fingerprint=OTHER))
    assert labels(results) == {"a": "TD3+ODT, dataset=real.hdf5", "b": "TD3+ODT, dataset=noise.hdf5"}
    results = results_of(small("a"), small("b", fingerprint=OTHER), small("c", method="odt"))
    assert labels(results) == {"a": "TD3+ODT, dataset=01234567", "b": "TD3+ODT, dataset=fedcba98", "c": "ODT"}


def test_settings_that_were_taken_from_other_data_are_explained_by_these() -> None:
    low, high = {"eval_target_return": 10.0}, {"eval_target_return": 20.0}
    results = results_of(
        small("a", overrides=low), small("b", overrides=high, file="other.hdf5", fingerprint=OTHER)
    )
    assert labels(results) == {"a": "TD3+ODT, dataset=hopper.hdf5", "b": "TD3+ODT, dataset=other.hdf5"}
    assert labels(results_of(small("a", overrides=low), small("b", overrides=high))) == {
        "a": "TD3+ODT, eval_target_return=10",
        "b": "TD3+ODT, eval_target_return=20",
    }


def test_reference_scores_and_budgets_make_no_other_experiment() -> None:
    results = results_of(
        small("a", budget=1000),
        small("b", reference=None, seed=1),
        small("c", reference=(0.0, 1.0), seed=2),
        small("d", overrides={"online_steps": 300}, seed=3),
    )
    assert set(labels(results).values()) == {"TD3+ODT"}


def test_without_config_files_overrides_and_presets_count() -> None:
    changed = {"rl_coefficient": 0.5}
    results = results_of(
        run("a", overrides=changed), run("b"), run("c", preset="paper"), run("d", overrides=changed, seed=1)
    )
    assert labels(results) == {
        "a": "TD3+ODT, preset=small, rl_coefficient=0.5",
        "b": "TD3+ODT, preset=small, rl_coefficient=default",
        "c": "TD3+ODT, preset=paper, rl_coefficient=default",
        "d": "TD3+ODT, preset=small, rl_coefficient=0.5",
    }


def test_a_run_without_its_config_file_has_its_presets_values_from_others() -> None:
    results = results_of(
        small("a"),
        run("b", overrides={"rl_coefficient": 0.5, "batch_size": 64}),
        run("c", overrides={"rl_coefficient": 0.1}, seed=1),
    )
    assert labels(results) == {
        "a": "TD3+ODT, rl_coefficient=0.1",
        "b": "TD3+ODT, rl_coefficient=0.5",
        "c": "TD3+ODT, rl_coefficient=0.1",
    }


def test_another_run_is_read_if_the_first_ones_config_is_damaged() -> None:
    results = results_of(
        run("a"), small("b", seed=1), run("c", overrides={"batch_size": 64}, settings=SMALL, seed=2)
    )
    assert set(labels(results).values()) == {"TD3+ODT"}


def test_a_setting_that_an_earlier_version_did_not_have() -> None:
    results = results_of(
        run("a", settings=SMALL),
        small("b", overrides={"batch_size": 64}, seed=1),
        run("c", overrides={"discount": 0.9}, settings=SMALL | {"new": 1, "discount": 0.9}, seed=2),
        run(
            "d", overrides={"dropout": 0}, settings=SMALL | {"new": 1, "discount": 0.99, "dropout": 0}, seed=3
        ),
    )
    assert labels(results) == {
        "a": "TD3+ODT, discount=0.99, dropout=default",
        "b": "TD3+ODT, discount=0.99, dropout=default",
        "c": "TD3+ODT, discount=0.9, dropout=default",
        "d": "TD3+ODT, discount=0.99, dropout=0",
    }


def test_a_run_that_is_not_trusted_tells_no_others_apart() -> None:
    runs = (small("a"), small("b", seed=1), small("c", overrides={"batch_size": 32}))
    assert labels(results_of(*runs, altered=["c"])) == dict.fromkeys("abc", "TD3+ODT")


def test_fields_by_which_labels_are_asked_for() -> None:
    results = results_of(
        small("a"), run("b", preset="paper", settings=PAPER), run("c", method="odt", settings=PAPER)
    )
    assert labels(results, by=("hidden_size", "rl_coefficient")) == {
        "a": "TD3+ODT, hidden_size=128, preset=small, rl_coefficient=0.1",
        "b": "TD3+ODT, hidden_size=512, preset=paper, rl_coefficient=0.1",
        "c": "ODT, hidden_size=512",
    }
    assert labels(results, by=("preset", "dataset"))["c"] == "ODT, dataset=hopper.hdf5, preset=small"
