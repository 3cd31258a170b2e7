import numpy as np
import pandas as pd
import pytest

from tests.analysis.hand_scores import Finals, scores_of
from vitamin.analysis.statistics.aggregates import Aggregates, aggregate
from vitamin.analysis.statistics.comparisons import Comparisons, compare
from vitamin.analysis.statistics.names import IQM, MEAN, MEDIAN
from vitamin.analysis.statistics.verdicts import headlines, not_worse, sentences, within_ten_percent

REPS = 400
CLEAR: Finals = {
    "ODT": {"a": [2, 2.1, 1.9], "b": [10, 11, 12]},
    "TD3": {"a": [50, 60, 71], "b": [40, 50, 62]},
    "TD3+ODT": {"a": [71, 72, 73], "b": [45, 60, 70]},
}


def judged(finals: Finals, baseline: str | None = None, **scores: object) -> tuple[Comparisons, Aggregates]:
    made = scores_of(finals, **scores)  # type: ignore[arg-type]
    return compare(made, baseline=baseline, reps=REPS), aggregate(made, reps=REPS)


def test_a_verdict_in_words() -> None:
    verdict = sentences(*judged(CLEAR))[0]
    assert verdict.startswith(
        "a: TD3+ODT has the highest mean, 72.0 [69.5, 74.5]; it is apart from ODT (p < 0.001 after"
    )
    assert "; not told apart from TD3 by 3 seeds: at this spread about " in verdict
    assert verdict.endswith(" would tell 20 points.")


def test_verdicts_of_all_scopes_in_their_order() -> None:
    verdicts = sentences(*judged(CLEAR))
    assert [verdict.split(":")[0] for verdict in verdicts] == ["a", "b", "mujoco (2 tasks)"]
    assert "highest IQM" in verdicts[2]


def test_headlines_count_and_name_the_broadest_scope() -> None:
    comparisons, aggregates = judged(CLEAR)
    apart = int(comparisons.frame["apart"].sum())
    first, second = headlines(comparisons, aggregates)
    assert first == f"Of 12 comparisons, {apart} are told apart, corrected for their number."
    assert second == sentences(comparisons, aggregates)[2]


def test_nothing_apart() -> None:
    comparisons, aggregates = judged({"ODT": {"a": [1, 20, 30]}, "TD3": {"a": [2, 19, 33]}})
    assert headlines(comparisons, aggregates)[0] == "The one comparison does not tell its methods apart."
    assert "apart from ODT (" not in sentences(comparisons, aggregates)[0]


def test_single_seeds_are_not_tested() -> None:
    comparisons, aggregates = judged({"ODT": {"a": [1]}, "TD3": {"a": [2, 3]}})
    assert sentences(comparisons, aggregates)[0].endswith("; no test of ODT (a single seed).")
    assert headlines(comparisons, aggregates) == (
        "No two methods have two seeds or more on one task: nothing could be tested.",
    )


def test_what_the_gate_holds_back_has_no_number_of_seeds() -> None:
    finals = {"ODT": {"a": [80, 81, 82], "b": [80, 20, 81]}, "TD3": {"a": [20, 21, 22], "b": [79, 22, 21]}}
    finals |= {"IQL": {"a": [80, 21, 20], "b": [20, 82, 81]}}
    comparisons, aggregates = judged(finals, suites={"b": "adroit"}, units={"b": "return"})
    verdict = sentences(comparisons, aggregates)[0]
    assert "not told apart from TD3: two clusters of runs could do this by chance" in verdict
    assert comparisons.frame.loc[comparisons.frame["reason"] != "", "seeds_needed"].isna().all()


def test_seeds_that_would_tell_the_points_say_so() -> None:
    (verdict,) = sentences(*judged({"ODT": {"a": [20, 21, 22]}, "TD3": {"a": [20.5, 21, 22.5]}}))
    assert verdict.endswith("not told apart from ODT by 3 seeds, which would tell 20 points at this spread.")


def test_a_difference_that_is_not_told_is_never_one_that_the_seeds_would_tell() -> None:
    for finals in ([2, 2.1, 1.9], [40, 41, 39]):  # one side without spread: two degrees of freedom, not four
        made = {f"M{number}": {"a": [2, 2.1, 1.9]} for number in range(6)} | {"N": {"a": finals}}
        comparisons, _ = judged(made | {"TD3": {"a": [53, 60, 67]}})
        frame = comparisons.frame.dropna(subset=["seeds_needed"])
        far = frame[frame["difference"].abs() > frame["points"]]
        assert len(far)
        assert (far["seeds_needed"] > far[["n_a", "n_b"]].min(axis=1)).all()


def test_seeds_that_would_tell_are_more_than_there_are_or_said_to_be_of_each() -> None:
    finals = {"ODT": {"a": [20, 26]}, "TD3": {"a": [22, 30, 25]}, "IQL": {"a": [21, 22, 26]}}
    verdict = sentences(*judged(finals))[0]
    assert verdict.endswith(
        "not told apart from ODT and IQL by 2 to 3 seeds: at this spread about 3 of each would tell 20 points."
    )


def test_many_methods_are_named_in_part() -> None:
    finals = {f"M{number}": {"a": [number, 30, 60 - number]} for number in range(10)}
    verdict = sentences(*judged(finals))[0]
    assert "not told apart from M1, M2, M3, M4 and 5 more by 3 seeds" in verdict


def test_verdicts_against_a_baseline() -> None:
    comparisons, aggregates = judged(CLEAR, baseline="ODT")
    assert headlines(comparisons, aggregates)[0].startswith("Of 8 comparisons with ODT, ")
    verdict = sentences(comparisons, aggregates)[0]
    assert verdict.startswith("a: ODT is at 2.0 [1.8, 2.2]; TD3")
    assert "TD3+ODT by 70.0 [67.5, 72.5] above it (p " in verdict


def test_methods_below_a_baseline() -> None:
    verdict = sentences(*judged(CLEAR, baseline="TD3+ODT"))[0]
    assert "ODT by 70.0 [67.5, 72.5] below it (p " in verdict
    assert "TD3 not told apart from it by 3 seeds" in verdict


def test_returns_are_told_by_their_difference() -> None:
    finals = {"ODT": {"Pendulum-v1": [-300, -200, -250]}, "TD3": {"Pendulum-v1": [-310, -230, -260]}}
    comparisons, aggregates = judged(finals, units={"Pendulum-v1": "return"})
    assert comparisons.frame["points"].tolist() == pytest.approx([50 / 3])
    (verdict,) = sentences(comparisons, aggregates)
    assert verdict.startswith("Pendulum-v1: ODT has the highest mean, −250.0 [")
    assert verdict.endswith("would tell a difference of 16.67.")


def test_bold_is_the_best_and_what_is_not_told_apart_from_it() -> None:
    comparisons, _ = judged(CLEAR)
    assert not_worse(comparisons, "a", MEAN) == {"TD3+ODT", "TD3"}
    assert not_worse(comparisons, "mujoco (2 tasks)", IQM) >= {"TD3+ODT"}
    assert "ODT" not in not_worse(comparisons, "mujoco (2 tasks)", IQM)
    assert not_worse(comparisons, "a", MEDIAN) == frozenset()
    assert not_worse(comparisons, "unknown", MEAN) == frozenset()


def test_equal_bests_are_all_bold_and_named() -> None:
    comparisons, aggregates = judged({"ODT": {"a": [20]}, "TD3": {"a": [20]}, "IQL": {"a": [10]}})
    assert not_worse(comparisons, "a", MEAN) == {"ODT", "TD3"}
    assert sentences(comparisons, aggregates)[0].startswith("a: ODT has the highest mean, 20.0, as has TD3; ")


def test_what_cannot_be_tested_is_not_bold() -> None:
    comparisons, _ = judged({"ODT": {"a": [1]}, "TD3": {"a": [2, 3]}})
    assert not_worse(comparisons, "a", MEAN) == {"TD3"}


def test_within_ten_percent_as_the_paper_marks_it() -> None:
    assert within_ten_percent({"A": 100, "B": 90, "C": 89.9}) == {"B"}
    assert within_ten_percent({"A": -30, "B": -33, "C": -33.1}) == {"B"}
    assert within_ten_percent({"A": 5, "B": 5}) == within_ten_percent({}) == frozenset()


def test_no_verdicts_of_nothing() -> None:
    comparisons, aggregates = judged({"ODT": {"a": [1, 2]}}, left_out="not finished")
    assert sentences(comparisons, aggregates) == ()
    assert isinstance(comparisons.frame, pd.DataFrame)
    assert not np.isfinite(comparisons.gate.p)
