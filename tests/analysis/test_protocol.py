from typing import Any

import pytest

from tests.analysis.made_results import MadeResults, results_of, run
from vitamin.analysis.choice import Choice
from vitamin.analysis.protocol import FIELDS, Protocol, protocol, protocol_table
from vitamin.analysis.scores import run_scores

WALKER = "walker2d-medium-v2"
SETTINGS = {
    "pretrain_updates": 5000,
    "updates_per_iteration": 300,
    "update_to_data_ratio": 0.0,
    "context_length": 20,
    "eval_context_length": 5,
    "hidden_size": 512,
    "num_layers": 4,
    "batch_size": 256,
    "eval_episodes": 10,
    "eval_interval": 10,
}


def made(key: str, points: Any = (10, 20), **values: Any) -> dict[str, Any]:
    changes = values.pop("changes", {})
    return run(key, points, overrides=changes, settings=SETTINGS | changes, **values)


def of(results: MadeResults, **choice: Any) -> Protocol:
    return protocol(results, run_scores(results, Choice(**choice)))


def differing(found: Protocol) -> set[str]:
    return set(found.frame.loc[found.frame["differs"], "field"])


def value(found: Protocol, label: str, field: str) -> str:
    frame = found.frame
    (text,) = frame.loc[(frame["label"] == label) & (frame["field"] == field), "value"]
    return str(text)


def test_settings_that_are_no_numbers_are_told_as_text() -> None:
    odd = {
        "batch_size": {"a": [1]},
        "hidden_size": 10**400,
        "num_layers": None,
        "eval_interval": float("nan"),
    }
    found = of(results_of(run("a", settings=SETTINGS | odd), made("b", method="odt")))
    assert value(found, "TD3+ODT", "batch_size") == '{"a":[1]}'
    assert value(found, "TD3+ODT", "hidden_size").startswith("1000")
    assert value(found, "TD3+ODT", "num_layers") == "null"
    assert protocol_table(found).table.rows


def test_equal_conditions() -> None:
    found = of(results_of(made("a"), made("b", method="odt")))
    assert differing(found) == set()
    assert found.sentences == ()
    assert value(found, "ODT", "reference_scores") == "0 … 1000"
    assert value(found, "ODT", "dataset") == "hopper.hdf5 (01234567)"
    assert value(found, "ODT", "data") == "published"
    assert value(found, "ODT", "final") == "the last evaluation"
    table = protocol_table(found).table
    assert table.header == ("", "ODT", "TD3+ODT", "Same?")
    assert table.labels == (None, "ODT", "TD3+ODT", None)
    assert len(table.rows) == len(FIELDS) - 2  # no commit is known, and updates are not by steps
    first = [cell.text for cell in table.rows[0]]
    assert first == ["Online steps", "1 000", "1 000", "="]
    assert table.rows[0][1].value == 1000
    assert not any(cell.bold for row in table.rows for cell in row)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"points": [10, 20, 30]}, "budget"),
        ({"changes": {"eval_episodes": 50}}, "eval_episodes"),
        ({"changes": {"eval_interval": 2}}, "eval_interval"),
        ({"changes": {"context_length": 10}}, "context_length"),
        ({"changes": {"pretrain_updates": 10}}, "pretrain_updates"),
        ({"preset": "paper"}, "preset"),
        ({"reference": (0.0, 500.0)}, "reference_scores"),
        ({"fingerprint": "sha256:fedcba9876543210"}, "dataset"),
        ({"label": "stand-in"}, "data"),
        ({"commit": "abcdef" * 6}, "commit"),
    ],
)
def test_each_difference_between_methods_is_marked(values: dict[str, Any], field: str) -> None:
    commit = {"commit": "012345" * 6}
    found = of(results_of(made("a", **commit), made("b", **({"method": "odt"} | commit | values))))
    assert field in differing(found)
    assert differing(found) <= {field, "gradient_updates"}
    row = next(row for row in protocol_table(found).table.rows if row[0].text == FIELDS[field])
    assert row[-1].text == "≠"
    assert all(cell.bold for cell in row)
    assert any(sentence.startswith(FIELDS[field]) for sentence in found.sentences)


def test_budgets_that_differ_say_where_finals_are_compared() -> None:
    runs = [made("a", {0: 1, 10_000: 2, 50_000: 3}), made("b", {0: 1, 10_000: 2}, method="odt")]
    runs += [run | {"key": f"{run['key']}-walker", "task": WALKER} for run in runs]
    assert of(results_of(*runs)).sentences[0] == (
        "Online steps on hopper-medium-v2, walker2d-medium-v2: ODT 10 000; TD3+ODT 50 000. Finals are compared at "
        "10 000."
    )


def test_seeds_of_one_method_that_differ() -> None:
    found = of(results_of(made("a", {0: 1, 10_000: 2, 50_000: 3}), made("b", {0: 1, 10_000: 2}, seed=1)))
    assert value(found, "TD3+ODT", "budget") == "10 000 … 50 000"
    assert {"budget"} <= differing(found)
    found = of(results_of(*(made(str(seed), seed=seed, commit=str(seed)) for seed in range(3))))
    assert value(found, "TD3+ODT", "commit") == "3 values"


def test_settings_that_a_method_does_not_read_make_no_difference() -> None:
    found = of(results_of(made("a", method="iql", changes={"num_layers": 2}), made("b")))
    assert value(found, "IQL", "num_layers") == "–"
    assert "num_layers" not in differing(found)
    by_steps = {"update_to_data_ratio": 1.0, "updates_per_iteration": 7}
    found = of(results_of(made("a", changes=by_steps), made("b", method="odt")))
    assert differing(found) == {"update_to_data_ratio"}
    assert value(found, "TD3+ODT", "updates_per_iteration") == "–"


def test_updates_that_differ_by_chance_are_no_difference() -> None:
    results = results_of(
        made("a"), made("b", seed=1), made("c", method="odt"), made("d", method="odt", seed=1)
    )
    results.runs["gradient_updates"] = [900, 1200, 1000, 1100]
    assert differing(of(results)) == set()
    results.runs["gradient_updates"] = [900, 1000, 1100, 1200]
    found = of(results)
    assert differing(found) == {"gradient_updates"}
    assert found.sentences == (
        "Gradient updates on hopper-medium-v2: ODT 1 100 … 1 200; TD3+ODT 900 … 1 000.",
    )


def test_what_no_file_tells_makes_no_difference() -> None:
    found = of(results_of(made("a"), run("b", method="odt", overrides={"batch_size": 64}), made("c", seed=1)))
    assert differing(found) == {"batch_size"}
    table = protocol_table(found).table
    assert [
        cell.text for cell in next(row for row in table.rows if row[0].text == "Width of the policy")
    ] == [*("Width of the policy", "–", "512", "=")]


def test_swept_settings_have_no_sentence() -> None:
    found = of(results_of(made("a"), made("b", changes={"context_length": 10})))
    assert differing(found) == {"context_length"}
    assert found.sentences == ()


def test_the_runs_that_count_decide() -> None:
    failed = made("b", seed=1, status="failed", changes={"eval_episodes": 1})
    assert differing(of(results_of(made("a"), failed))) == set()
    found = of(results_of(made("a"), made("b", method="odt", status="failed", changes={"eval_episodes": 1})))
    assert value(found, "ODT", "eval_episodes") == "1"


def test_values_that_differ_between_tasks_are_counted() -> None:
    found = of(
        results_of(
            made("a"), made("b", task=WALKER, file="w.hdf5"), made("c", task="Pendulum-v1", file="p.hdf5")
        )
    )
    assert found.over_tasks["TD3+ODT", "dataset"] == (
        *("hopper.hdf5 (01234567)", "p.hdf5 (01234567)", "w.hdf5 (01234567)"),
    )
    row = next(row for row in protocol_table(found).table.rows if row[0].text == "Dataset")
    assert [cell.text for cell in row] == ["Dataset", "3 values", "="]


def test_one_run_is_read_for_each_way_of_giving_settings() -> None:
    results = results_of(*(made(str(seed), seed=seed) for seed in range(20)), made("odt", method="odt"))
    scores = run_scores(results)
    results.asked.clear()
    protocol(results, scores)
    assert sorted(results.asked) == ["0", "odt"]


def test_many_labels_are_rows() -> None:
    rows = (
        run(f"{rate}-{seed}", seed=seed, overrides={"rl_coefficient": rate})
        for rate in range(1, 10)
        for seed in range(2)
    )
    table = protocol_table(of(results_of(*rows))).table
    assert table.header[:2] == ("Method", "Online steps")
    assert [row[0].text for row in table.rows] == [
        *(f"TD3+ODT, rl_coefficient={rate}" for rate in range(1, 10)),
        "Same?",
    ]
    assert [row[-1].text for row in table.rows] == ["the last evaluation"] * 9 + ["="]
