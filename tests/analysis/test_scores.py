import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.analysis.made_results import MadeResults, results_of, run
from vitamin.analysis.choice import Choice
from vitamin.analysis.counting import ALTERED, INFINITE, NOT_EVALUATED, SHORTENED
from vitamin.analysis.score_columns import SCORE_COLUMNS
from vitamin.analysis.scores import Scores, run_scores
from vitamin.errors import ReportError

HOPPER, WALKER = "hopper-medium-v2", "walker2d-medium-v2"


def rows(results: MadeResults, **choice: Any) -> pd.DataFrame:
    return run_scores(results, Choice(**choice)).frame.set_index("run")


def column(results: MadeResults, name: str, **choice: Any) -> dict[str, Any]:
    return dict(rows(results, **choice)[name].items())


def notes(results: MadeResults, **choice: Any) -> str:
    return "\n".join(run_scores(results, Choice(**choice)).notes)


# The single run


def test_pretrained_final_and_change() -> None:
    scores = run_scores(results_of(run("run", [10, 90, 40], label="stand-in")))
    assert list(scores.frame.columns) == [column.name for column in SCORE_COLUMNS]
    dtypes = {name: str(dtype).replace("object", "str") for name, dtype in scores.frame.dtypes.items()}
    assert dtypes == {column.name: column.dtype for column in SCORE_COLUMNS}
    row = scores.frame.iloc[0]
    assert (row["pretrained"], row["final"], row["change"], row["own_final"]) == (10, 40, 30, 40)
    assert (row["end_steps"], row["at_steps"], row["final_steps"], row["budget"]) == (2000, 2000, 2000, 2000)
    assert (row["method"], row["suite"], row["unit"], row["data"], row["left_out"]) == (
        "TD3+ODT",
        "mujoco",
        "normalized",
        "stand-in",
        "",
    )
    assert scores.common_steps == {HOPPER: 2000}
    assert scores.notes == ()


def test_evaluations_are_in_the_order_of_iterations_whatever_that_of_rows() -> None:
    results = results_of(run("b", [10, 90, 40]), run("a", [1, 2], seed=1))
    turned = results.evaluations.iloc[::-1].reset_index(drop=True)
    object.__setattr__(results, "evaluations", turned)
    scores = run_scores(results)
    assert dict(scores.frame.set_index("run")["own_final"]) == {"a": 2, "b": 40}
    assert scores.evaluations[["run", "env_steps", "score"]].to_numpy().tolist() == [
        ["b", 0, 10],
        ["b", 1000, 90],
        ["b", 2000, 40],
        ["a", 0, 1],
        ["a", 1000, 2],
    ]


def test_last_pretraining_evaluation_is_the_pretrained_score() -> None:
    results = results_of(run("run", {0: 10, 1000: 40, 2000: 70}))
    results.evaluations.loc[1, ["phase", "env_steps"]] = ["pretrain", 0]
    scores = run_scores(results)
    assert scores.frame.loc[0, ["pretrained", "final"]].tolist() == [40, 70]
    assert scores.evaluations["score"].tolist() == [40, 70]


def test_no_pretraining() -> None:
    row = rows(results_of(run("run", {1000: 30, 2000: 40}))).loc["run"]
    assert row["final"] == 40
    assert pd.isna(row["change"])
    assert row["area"] == 35  # from the first evaluation on


def test_success_is_that_of_the_final_evaluation() -> None:
    results = results_of(run("run", [10, 20, 30]))
    results.evaluations["success"] = [0.1, 0.2, 0.6]
    assert column(results, "success") == {"run": 0.6}
    assert column(results, "success", final="mean:2") == {"run": pytest.approx(0.4)}


# Units


def test_scores_are_computed_from_returns_and_reference_scores() -> None:
    results = results_of(run("run", [10, 40], reference=(-100.0, 400.0)))
    assert column(results, "final") == {"run": 100.0}  # a return of 400
    assert column(results, "pretrained") == {"run": 40.0}


def test_references_that_differ_make_returns_of_the_whole_task() -> None:
    results = results_of(
        run("a", [10, 20]),
        run("b", [10, 20], seed=1, reference=(0.0, 500.0)),
        run("c", [10, 20], task=WALKER),
    )
    assert column(results, "unit") == {"a": "return", "b": "return", "c": "normalized"}
    assert column(results, "final") == {"a": 200, "b": 200, "c": 20}
    assert pd.isna(rows(results)["regret"]).to_dict() == {"a": True, "b": True, "c": False}
    assert notes(results).startswith(
        f"Reference scores on {HOPPER} differ (0 … 500; 0 … 1000): returns are compared there, not scores."
    )


def test_references_that_differ_by_rounding_are_the_same() -> None:
    rounded = run("b", [10, 20], seed=1, reference=(1e-9, 1000.0000001))
    results = results_of(run("a", [10, 20], reference=(0.0, 1000.0)), rounded)
    assert column(results, "unit") == {"a": "normalized", "b": "normalized"}
    assert column(results, "final") == pytest.approx({"a": 20, "b": 20})
    close = results_of(run("a", reference=(0.0, 1000.0)), run("b", seed=1, reference=(0.0, 1000.01)))
    assert column(close, "unit") == {"a": "return", "b": "return"}
    assert "(0 … 1000; 0 … 1000.01)" in notes(close)


@pytest.mark.parametrize("status", ["finished", "running"])
def test_a_run_without_references_takes_those_of_its_task(status: str) -> None:
    results = results_of(run("a", [10, 20]), run("b", [10, 30], seed=1, reference=None, status=status))
    assert column(results, "unit") == {"a": "normalized", "b": "normalized"}
    assert column(results, "final") == {"a": 20, "b": 30}
    assert (
        "1 run without reference scores: the scores are by those of the task's other runs (b)."
        in notes(results).splitlines()
    )


def test_no_reference_scores_at_all() -> None:
    results = results_of(run("a", [-30, -20], task="Pendulum-v1", reference=None), run("b", task=WALKER))
    assert column(results, "unit") == {"a": "return", "b": "normalized"}
    assert column(results, "final") == {"a": -200, "b": 20}
    assert "Pendulum-v1 has no reference scores: returns are compared there." in notes(results)


def test_references_of_runs_that_do_not_count_touch_no_other_run() -> None:
    other = run("b", [10, 20], seed=1, reference=(0.0, 500.0), status="failed")
    assert column(results_of(run("a", [10, 20]), other), "final") == {"a": 20, "b": 20}


# Which runs count


@pytest.mark.parametrize(
    ("status", "reason"),
    [("running", "not finished"), ("stopped", "stopped before its end"), ("failed", "failed")],
)
def test_unfinished_runs_count_only_when_asked(status: str, reason: str) -> None:
    results = results_of(run("run", [10, 20]))
    results.runs.loc[0, "status"] = status
    assert column(results, "left_out") == {"run": reason}
    asked = rows(results, include_unfinished=True).loc["run"]
    assert (asked["left_out"], asked["final"], asked["status"]) == ("", 20, status)


def test_a_run_without_online_evaluation_does_not_count() -> None:
    for choice in ({}, {"include_unfinished": True}):
        row = rows(results_of(run("run", [10])), **choice).loc["run"]
        assert (row["left_out"], row["pretrained"]) == (NOT_EVALUATED, 10)
        assert pd.isna(row["final"])


def test_shortened_and_altered_runs() -> None:
    results = results_of(run("a"), run("b", seed=1), run("c", seed=2), shortened=["b"], altered=["c"])
    assert column(results, "left_out") == {"a": "", "b": SHORTENED, "c": ALTERED}
    assert column(results, "left_out", include_unfinished=True) == {"a": "", "b": "", "c": ALTERED}


def test_a_diverged_run_counts_although_its_last_evaluation_is_lost() -> None:
    results = results_of(run("a", [10, 50]), run("b", [10, 30], status="diverged", seed=1), shortened=["b"])
    assert column(results, "left_out") == {"a": "", "b": ""}
    assert column(results, "final") == {"a": 50, "b": 30}


def test_diverged_before_its_first_online_evaluation() -> None:
    results = results_of(run("a", [10, 50]), run("b", [30], seed=1, status="diverged", budget=1000))
    row = rows(results).loc["b"]
    assert (row["left_out"], row["final"], row["change"], row["own_final"]) == ("", 30, 0, 30)
    assert (row["final_steps"], row["area"], row["regret"], row["at_steps"]) == (0, 30, 70, 1000)
    assert "1 run diverged before the first online evaluation" in notes(results)
    nothing = results_of(run("a", {}, status="diverged", budget=1000), run("b", seed=1))
    assert column(nothing, "left_out") == {"a": NOT_EVALUATED, "b": ""}


def test_a_diverged_run_counts_with_the_last_score_it_reached() -> None:
    results = results_of(
        run("a", [10, 50, 60, 70]), run("b", [10, 20], seed=1, status="diverged", budget=3000)
    )
    row = rows(results).loc["b"]
    assert (row["left_out"], row["final"], row["at_steps"], row["final_steps"]) == ("", 20, 3000, 1000)
    assert row["area"] == (15 * 1000 + 20 * 2000) / 3000


def test_the_first_result_counts_and_the_rerun_is_named() -> None:
    results = results_of(
        run("z-first", [10, 20], status="diverged", budget=1000, hour=1),
        run("a-rerun", [10, 40], hour=2),
        run("b-repeated", [10, 50], hour=3),
        run("other-seed", [10, 50], seed=1, hour=0),
    )
    assert column(results, "left_out") == {
        "z-first": "",
        "a-rerun": "rerun of z-first, whose result counts",
        "b-repeated": "rerun of z-first, whose result counts",
        "other-seed": "",
    }
    assert (
        "2 runs do not count: rerun of a run whose result counts (a-rerun and b-repeated)."
        in notes(results).splitlines()
    )


def test_a_failed_run_that_was_rerun() -> None:
    results = results_of(
        run("first", [10, 20], seed=3, status="failed"),
        run("second", [10, 30], seed=3, hour=1),
        run("third", [10, 40], seed=3, hour=2, status="failed"),
    )
    assert column(results, "left_out") == {"first": "failed", "second": "", "third": "failed"}
    assert "second of seed 3 counts, first before it failed." in notes(results).splitlines()
    asked = column(results, "left_out", include_unfinished=True)
    assert asked["first"] == ""
    assert asked["second"] == asked["third"] == "rerun of first, whose result counts"


def test_every_rerun_is_named_whatever_the_first_came_to() -> None:
    results = results_of(
        run("nothing", {}, seed=1, status="diverged", budget=1000),
        run("nothing-again", [10, 30], seed=1, hour=1),
        run("torn", [10, 20], seed=2),
        run("torn-again", [10, 40], seed=2, hour=1),
        shortened=["torn"],
    )
    counting = {"nothing": NOT_EVALUATED, "nothing-again": "", "torn": SHORTENED, "torn-again": ""}
    assert column(results, "left_out") == counting
    assert (
        "nothing-again of seed 1 counts, nothing before it diverged; "
        "torn-again of seed 2 counts, torn before it has no result." in notes(results).splitlines()
    )


def test_nothing_infinite_enters() -> None:
    results = results_of(
        run("a", [10, 20]),
        run("b", [10, np.nan], seed=1),
        run("c", [10, 20, -np.inf], seed=2, status="diverged"),
        run("d", [np.inf, 40], seed=3),
        run("e", [10, 1e200], seed=4),
    )
    frame = rows(results)
    assert frame["left_out"].to_dict() == {"a": "", "b": INFINITE, "c": "", "d": "", "e": INFINITE}
    assert frame.loc[["a", "c", "d"], "final"].tolist() == [20, 20, 40]
    assert pd.isna(frame.loc["d", "pretrained"])
    assert np.isfinite(run_scores(results).evaluations["score"]).all()
    numbers = frame.select_dtypes("number")
    assert not np.isinf(numbers).any(axis=None)


# The common step


def test_finals_are_compared_at_the_largest_common_step() -> None:
    results = results_of(
        run("a", [10, 20, 30, 40, 50]), run("b", [10, 15, 25], seed=1), run("c", [1, 2, 3, 4], method="odt")
    )
    frame = rows(results)
    assert frame["final"].to_dict() == {"a": 30, "b": 25, "c": 3}
    assert frame["own_final"].to_dict() == {"a": 50, "b": 25, "c": 4}
    assert set(frame["at_steps"]) == {2000}
    assert set(frame["label"]) == {"TD3+ODT", "ODT"}


def test_each_task_has_its_own_common_step() -> None:
    results = results_of(run("a", [10, 20, 30]), run("b", [10, 20], seed=1), run("c", [1, 2, 3], task=WALKER))
    assert run_scores(results).common_steps == {HOPPER: 1000, WALKER: 2000}


def test_runs_at_their_budget_use_the_last_evaluation_others_the_nearest() -> None:
    results = results_of(
        run("own", {0: 1, 500: 2, 1040: 3}, budget=1000),
        run("tie", {0: 1, 900: 5, 1100: 6, 2010: 7}, seed=1, budget=2000),
        run("nearest", {0: 1, 700: 5, 1100: 6, 2010: 7}, seed=2, budget=2000),
    )
    assert column(results, "final") == {"own": 3, "tie": 5, "nearest": 6}
    assert column(results, "final_steps") == {"own": 1040, "tie": 900, "nearest": 1100}


def test_an_evaluation_far_from_the_common_step_is_named() -> None:
    results = results_of(run("a", {0: 1, 1000: 3}), run("b", {0: 1, 5000: 5, 10000: 6}, seed=1))
    assert (
        "1 run has no evaluation near the step of the comparison; the nearest one counts (b)."
        in notes(results).splitlines()
    )


def test_unfinished_runs_do_not_lower_the_common_step_nor_do_diverged_ones() -> None:
    results = results_of(
        run("a", [10, 20, 30]),
        run("b", [10, 15], seed=1, status="running", budget=2000),
        run("c", [10, 12], seed=2, status="diverged", budget=5000),
        run("d", [10, 12], seed=3, status="failed", budget=1500),
    )
    assert set(column(results, "at_steps", include_unfinished=True).values()) == {2000}
    assert column(results, "final", include_unfinished=True) == {"a": 30, "b": 15, "c": 12, "d": 12}


def test_a_budget_that_is_not_known_is_what_was_made() -> None:
    results = results_of(run("a", [10, 20, 30], budget=np.nan), run("b", [10, 20, 30, 40], seed=1))
    assert column(results, "budget") == {"a": 2000, "b": 3000}
    assert run_scores(results).common_steps == {HOPPER: 2000}


def test_at_steps() -> None:
    results = results_of(run("a", [10, 20, 30, 40]), run("b", [10, 15], seed=1), run("c", [1, 2, 3], seed=2))
    frame = rows(results, at_steps=2000)
    assert frame["left_out"].to_dict() == {"a": "", "b": "its budget is below 2000 steps", "c": ""}
    assert frame["final"].to_dict() == {"a": 30, "b": 15, "c": 3}
    with pytest.raises(ReportError, match=r"at 3001 online steps. Choose a step from 1 to 3000"):
        run_scores(results, Choice(at_steps=3001))


def test_a_rerun_with_a_larger_budget_counts_where_the_first_is_too_short() -> None:
    results = results_of(run("a", [10, 20]), run("b", [10, 15, 30], hour=1))
    assert column(results, "left_out") == {"a": "", "b": "rerun of a, whose result counts"}
    assert column(results, "left_out", at_steps=2000)["b"] == ""


# Rules for the final score


def test_mean_of_the_last_evaluations() -> None:
    results = results_of(
        run("a", [10, 20, 30, 70]), run("b", [10, 50], seed=1, status="diverged", budget=3000)
    )
    assert column(results, "final", final="mean:2") == {"a": 50, "b": 50}
    assert "1 run with fewer than 2 evaluations: the mean is of those that there are (b)." in notes(
        results, final="mean:2"
    )
    assert column(results, "change", final="mean:3") == {"a": 30, "b": 40}


def test_mean_is_up_to_the_common_step() -> None:
    results = results_of(run("a", [10, 20, 30, 70]), run("b", [10, 20, 40], seed=1))
    frame = rows(results, final="mean:2")
    assert frame["final"].to_dict() == {"a": 25, "b": 30}
    assert frame["own_final"].to_dict() == {"a": 50, "b": 30}


def test_best_evaluation() -> None:
    results = results_of(run("a", [95, 20, 30, 25, 90]), run("b", [10, 40, 20, 5], seed=1))
    frame = rows(results, final="best")
    assert frame["final"].to_dict() == {"a": 30, "b": 40}
    assert frame["final_steps"].to_dict() == {"a": 2000, "b": 1000}
    assert frame["own_final"].to_dict() == {"a": 90, "b": 40}
    assert column(results, "final", final="best:2") == {"a": 30, "b": 20}
    assert "a maximum over noisy evaluations flatters" in notes(results, final="best")


# The area


def test_area_is_the_mean_over_steps_up_to_the_common_one() -> None:
    results = results_of(run("a", {0: 10, 500: 20, 2000: 40, 4000: 90}), run("b", {0: 0, 2000: 50}, seed=1))
    area = column(results, "area")
    assert area == {"a": (15 * 500 + 30 * 1500) / 2000, "b": 25}
    assert column(results, "regret") == {run: 100 - value for run, value in area.items()}


def test_area_is_not_held_beyond_the_evaluation_that_counts() -> None:
    results = results_of(run("a", {0: 10, 900: 30, 3000: 90}, budget=3000), run("b", [0, 50], seed=1))
    assert column(results, "area")["a"] == 20


# Notes


def test_what_is_left_out_is_named() -> None:
    results = results_of(
        *(run(f"a{seed}", seed=seed) for seed in range(3)),
        run("b", task=WALKER, seed=7),
        *(run(f"c{seed}", method="odt", seed=seed, status="failed") for seed in range(5)),
        run("d", task=WALKER, method="iql"),
    )
    scores = run_scores(results)
    assert scores.labels == ("IQL", "ODT", "TD3+ODT")
    assert scores.notes == (
        f"IQL has no run that counts on {HOPPER}.",
        "ODT has no run that counts.",
        f"IQL and TD3+ODT have fewer than 3 seeds on {WALKER} (1).",
        "5 runs do not count: failed (c0, c1, c2 and 2 more).",
    )


def test_no_run_counts() -> None:
    scores = run_scores(results_of(run("a", status="running"), run("b", {}, seed=1)))
    assert scores.counted.empty
    assert scores.common_steps == {}
    assert scores.notes[0] == "TD3+ODT has no run that counts."
    assert scores.frame["at_steps"].isna().all()


# Choices


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ({"tasks": (HOPPER,)}, {"a", "b"}),
        ({"tasks": ("Walker*",)}, {"c"}),
        ({"methods": ("odt",)}, {"b"}),
        ({"methods": ("TD3+ODT",)}, {"a", "c"}),
        ({"methods": ("td3*",), "tasks": ("hopper-*", "walker*")}, {"a", "c"}),
    ],
)
def test_tasks_and_methods_are_chosen(choice: dict[str, Any], left: set[str]) -> None:
    results = results_of(run("a"), run("b", method="odt"), run("c", task=WALKER))
    assert set(rows(results, **choice).index) == left


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"tasks": ("hoper-medium-v2",)}, "Did you mean hopper-medium-v2"),
        ({"tasks": ("ant*",)}, f"Tasks here: {HOPPER}."),
        ({"methods": ("td3odt",)}, "Did you mean TD3\\+ODT"),
        ({"baseline": "OTD"}, "Did you mean ODT"),
        ({"final": "median"}, "Choose last, mean:K"),
        ({"final": "mean"}, "Choose last, mean:K"),
        ({"final": "mean:0"}, "Choose last, mean:K"),
        ({"final": "last:3"}, "Choose last, mean:K"),
        ({"by": ("rl_coeficient",)}, "rl_coeficient.*Did you mean rl_coefficient"),
        ({"by": ("online_steps",)}, "online_steps has no influence"),
        ({"at_steps": 0}, "Choose a step from 1 to 1000"),
    ],
)
def test_choices_of_what_there_is_not(choice: dict[str, Any], message: str) -> None:
    results = results_of(run("a", settings={"rl_coefficient": 0.1}), run("b", method="odt"))
    with pytest.raises(ReportError, match=message):
        run_scores(results, Choice(**choice))


def test_baselines_are_labels_or_methods() -> None:
    results = results_of(run("a"), run("b", method="odt"))
    for name in ("odt", "ODT", "TD3+ODT", "td3_odt"):
        run_scores(results, Choice(baseline=name))


# Scale


def test_thousands_of_runs_take_no_time() -> None:
    count, evaluations = 2_000, 200
    few = results_of(
        *(
            run(f"run{n:05}", method=f"method{n % 7}", task=f"task{n // 7 % 12}", seed=n // 84)
            for n in range(count)
        )
    )
    number = np.arange(count * evaluations)
    frame = pd.DataFrame(
        {
            "run": pd.Categorical.from_codes(number // evaluations, list(few.infos)),
            "phase": pd.Categorical.from_codes(
                (number % evaluations > 0).astype(int), ["pretrain", "online"]
            ),
            "iteration": number % evaluations,
            "env_steps": number % evaluations * 1000,
            "return": np.random.default_rng(0).normal(size=len(number)),
            "success": np.nan,
        }
    )
    few.runs["online_steps"] = 199_000
    object.__setattr__(few, "evaluations", frame)
    before = time.process_time()
    scores: Scores = run_scores(few, Choice(final="mean:5"))
    seconds = time.process_time() - before
    assert len(scores.counted) == count
    assert seconds < 3  # 0.4 were measured


@pytest.mark.parametrize("final", ["last", "mean:2", "best", "best:2"])
def test_no_evaluation_at_all(final: str) -> None:
    scores = run_scores(
        results_of(run("a", {}), run("b", {}, seed=1, status="diverged")), Choice(final=final)
    )
    assert scores.frame["left_out"].tolist() == [NOT_EVALUATED, NOT_EVALUATED]
    assert scores.evaluations.empty
    assert scores.labels == ("TD3+ODT",)
