from tests.analysis.run_folders import run_info
from vitamin.analysis.labels import differing_settings, method_label, run_labels, sort_labels
from vitamin.analysis.schema import DatasetInfo, ReferenceScores


def test_method_labels_are_the_papers() -> None:
    assert [method_label(name) for name in ("td3_odt", "odt", "td3_bc")] == ["TD3+ODT", "ODT", "TD3+BC"]


def test_equal_settings_are_not_part_of_the_label() -> None:
    infos = {str(seed): run_info(seed=seed, overrides={"batch_size": 64}) for seed in range(3)}
    assert set(run_labels(infos).values()) == {"TD3+ODT"}


def test_a_swept_setting_labels_the_runs_of_its_method() -> None:
    infos = {
        "a": run_info(overrides={"rl_coefficient": 0.5, "batch_size": 64}),
        "b": run_info(overrides={"rl_coefficient": 1.0, "batch_size": 64}),
        "c": run_info(overrides={"batch_size": 64}),
        "d": run_info(method="odt"),
    }
    assert run_labels(infos) == {
        "a": "TD3+ODT, rl_coefficient=0.5",
        "b": "TD3+ODT, rl_coefficient=1",
        "c": "TD3+ODT, rl_coefficient=default",
        "d": "ODT",
    }


def test_a_setting_that_differs_between_tasks_only_is_not_part_of_the_label() -> None:
    infos = {
        "a": run_info(task="hopper-medium-v2", overrides={"rl_coefficient": 0.5}),
        "b": run_info(task="walker2d-medium-v2", overrides={"rl_coefficient": 1.0}, preset="tiny"),
    }
    assert set(run_labels(infos).values()) == {"TD3+ODT"}
    assert differing_settings(infos.values()) == {"preset": ("small", "tiny"), "rl_coefficient": ("0.5", "1")}


def test_presets_and_datasets_are_kept_apart() -> None:
    other = DatasetInfo(path="/data/b", fingerprint="sha256:fedcba9876543210", trajectories=1, steps=1)
    infos = {"a": run_info(), "b": run_info(preset="tiny"), "c": run_info(dataset=other)}
    assert run_labels(infos) == {
        "a": "TD3+ODT, dataset=01234567, preset=small",
        "b": "TD3+ODT, dataset=01234567, preset=tiny",
        "c": "TD3+ODT, dataset=fedcba98, preset=small",
    }


def test_scores_of_another_scale_are_kept_apart() -> None:
    other = ReferenceScores(min=-1.5, max=2000)
    infos = {"a": run_info(), "b": run_info(reference_scores=other), "c": run_info(reference_scores=None)}
    assert run_labels(infos) == {
        "a": "TD3+ODT, reference_scores=0 … 1000",
        "b": "TD3+ODT, reference_scores=-1.5 … 2000",
        "c": "TD3+ODT, reference_scores=default",
    }


def test_labels_are_sorted_as_in_the_paper_and_by_value() -> None:
    labels = ["TD3+ODT, rl_coefficient=10", "TD3+ODT, rl_coefficient=2", "New", "ODT", "TD3+BC", "ODT"]
    assert sort_labels(labels) == [
        "TD3+BC",
        "ODT",
        "TD3+ODT, rl_coefficient=2",
        "TD3+ODT, rl_coefficient=10",
        "New",
    ]
