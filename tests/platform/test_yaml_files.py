import pytest
import yaml

from vitamin.platform.yaml_files import load_yaml


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("seeds: 1\ntasks: []\nseeds: 2\n", "line 3, column 1"),
        ("overrides:\n  tau: 0.1\n  'tau': 0.2\n", "line 3, column 3"),
        ("{1: a, 1: b}", "line 1, column 8"),
    ],
)
def test_a_key_given_twice_is_an_error_with_its_place(text: str, place: str) -> None:
    with pytest.raises(yaml.YAMLError, match="is given twice") as caught:
        load_yaml(text)
    assert place in str(caught.value)


def test_a_merged_key_may_be_replaced() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, x: 4}\n"
    assert load_yaml(text) == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}, "c": {"x": 4, "y": 2}}


def test_equal_keys_of_different_mappings_and_types_are_fine() -> None:
    assert load_yaml("[{a: 1}, {a: 2, 1: x, '1': y}]") == [{"a": 1}, {"a": 2, 1: "x", "1": "y"}]
