import os
import threading
from pathlib import Path

import pytest
import yaml

from vitamin.errors import SettingsError
from vitamin.platform.yaml_files import load_yaml, read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 10)
)


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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 3000 + "]" * 3000, "nested more than 20 deep"),
        ("".join(" " * depth + "a:\n" for depth in range(3000)), "nested more than 20 deep"),
        (BOMB, "more than 50,000 values"),
        (MERGES, "more than 50,000 values"),
        ("a: &a [*a]", "stands inside itself"),
        ("seed: 2001-99-99", "the value '2001-99-99' cannot be read"),
        ("seed: " + "1" * 5000, "the value '1{79}… cannot be read"),
        ("tau: !!float x", "the value 'x' cannot be read"),
        ("tau: !!bool x", "cannot be read"),
        ("tau: !!timestamp x", "cannot be read"),
    ],
)
def test_what_would_take_forever_or_cannot_be_a_value_is_refused(text: str, problem: str) -> None:
    with pytest.raises(yaml.YAMLError, match=problem):
        load_yaml(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [1\nb: 2\n", "is not valid YAML: line 2, column 2: expected ',' or ']', but got ':'."),
        (b"tau: !!int ''", "is not valid YAML: line 1, column 6: the value '' cannot be read."),
        (b"tau: !x 1", "is not valid YAML: line 1, column 6: !x is no kind of plain value."),
        (b"a: \0", "is not valid YAML: it holds the character U+0000."),
        (b"a: \xff", "it is not UTF-8 text."),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_yaml(tmp_path / "a.yaml", SettingsError)
    assert str(caught.value).endswith(words)


def test_files_are_read_up_to_a_size(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("a: 1\n" + "#" * 1_000_000)
    with pytest.raises(SettingsError, match=r"large\.yaml has more than 1,000,000 bytes"):
        read_yaml(file, SettingsError)
    with pytest.raises(SettingsError, match="/dev/zero has more than"):
        read_yaml(Path("/dev/zero"), SettingsError)


def test_a_pipe_is_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("a: [1, 2]"))
    writer.start()
    assert read_yaml(tmp_path / "pipe", SettingsError) == {"a": [1, 2]}
    writer.join()
