import pytest

from vitamin.analysis.labels import (
    base_label,
    experiment_label,
    find_label,
    method_label,
    setting_text,
    short_fingerprint,
    sort_labels,
)
from vitamin.errors import ReportError


def test_method_labels_are_the_papers() -> None:
    assert [method_label(name) for name in ("td3_odt", "odt", "td3_bc")] == ["TD3+ODT", "ODT", "TD3+BC"]


def test_labels_of_experiments() -> None:
    label = experiment_label("td3_odt", {"rl_coefficient": "0.5", "batch_size": "64"})
    assert label == "TD3+ODT, batch_size=64, rl_coefficient=0.5"
    assert base_label(label) == experiment_label("td3_odt", {}) == "TD3+ODT"


def test_short_fingerprints() -> None:
    assert short_fingerprint("sha256:0123456789abcdef") == short_fingerprint("0123456789abcdef") == "01234567"


def test_equal_values_have_equal_texts() -> None:
    assert setting_text(1) == setting_text(1.0) == "1"
    assert setting_text(True) == "true"
    assert setting_text(None) == "null"
    assert setting_text(0.1 + 0.2) == "0.3"
    assert setting_text({"b": 1, "a": [1, "x"]}) == '{"a":[1,"x"],"b":1}'


def test_labels_are_sorted_as_in_the_paper_and_by_value() -> None:
    labels = ["TD3+ODT, rl_coefficient=10", "TD3+ODT, rl_coefficient=2", "New", "ODT", "TD3+BC", "ODT"]
    assert sort_labels(labels) == [
        "TD3+BC",
        "ODT",
        "TD3+ODT, rl_coefficient=2",
        "TD3+ODT, rl_coefficient=10",
        "New",
    ]


def test_a_label_is_found_by_itself_or_its_method() -> None:
    labels = ("ODT", "TD3+ODT, a=1", "TD3+ODT, a=2")
    assert find_label("odt", labels) == "ODT"
    assert find_label("td3+odt, A=1", labels) == "TD3+ODT, a=1"
    with pytest.raises(ReportError, match=r"several experiments. Choose one of: TD3\+ODT, a=1; TD3"):
        find_label("td3_odt", labels)
    with pytest.raises(ReportError, match=r"No method 'otd'.*Did you mean ODT"):
        find_label("otd", labels)
