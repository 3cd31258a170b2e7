"""Sweep specifications: every mistake is one clear message, and what is shipped is right."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from vitamin.errors import SweepError
from vitamin.platform.sweeps import find_spec, make_plan, read_spec, shipped_specs

MINIMAL = {
    "name": "s",
    "tasks": ["Pendulum-v1"],
    "methods": ["td3_odt", "odt"],
    "seeds": [0],
    "preset": "tiny",
}


def write(folder: Path, **entries: Any) -> Path:
    content = {key: value for key, value in {**MINIMAL, **entries}.items() if value is not None}
    file = folder / "spec.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"metods": ["odt"]}, r"unknown key 'metods'\. Did you mean methods"),
        (
            {"resources": {"num_env_runer": 1}},
            r"unknown key 'num_env_runer' in resources\. Did you mean num_env_runners",
        ),
        (
            {"axes": {"tau": {"values": [0.1], "method": ["odt"]}}},
            r"unknown key 'method' in axes\.tau\. Did you mean methods\?",
        ),
        ({"tasks": None}, r"tasks is missing\."),
        ({"tasks": []}, "tasks is empty, so there are no trials"),
        ({"methods": []}, "methods is empty, so there are no trials"),
        ({"seeds": 0}, "seeds is empty, so there are no trials"),
        ({"axes": {"rl_coefficient": []}}, r"axes\.rl_coefficient\.values is empty"),
        ({"axes": {"rl_coefficient": 0.1}}, r"axes\.rl_coefficient: give a list of values.*\(got 0\.1\)"),
        ({"tasks": "Pendulum-v1"}, r"tasks: input should be a valid list \(got 'Pendulum-v1'\)"),
        ({"seeds": 100_000_000}, r"seeds: a sweep has at most 10,000 trials.*\(got 100000000\)"),
        ({"seeds": [2**31]}, r"seeds\.0: .*\(got 2147483648\)"),
        ({"seeds": [True]}, r"seeds\.0: expected a number, not true"),
        ({"retries": 10**30}, r"retries: should be at most 1e18"),
        ({"name": "a" * 300}, r"name: string should have at most 120 characters"),
        ({"seeds": ["x"]}, r"seeds\.0: input should be a valid integer.*\(got 'x'\)"),
        ({"seeds": [-1]}, r"seeds\.0: .*\(got -1\)"),
        ({"seeds": [0, 1, 0]}, "seeds lists 0 twice"),
        ({"tasks": ["Pendulum-v1", "Pendulum-v1"]}, "tasks lists Pendulum-v1 twice"),
        ({"methods": ["odt", "odt"]}, "methods lists odt twice"),
        ({"retries": -1}, r"retries: input should be greater than or equal to 0 \(got -1\)"),
        ({"checkpoint_interval": 0}, r"checkpoint_interval: .*\(got 0\)"),
        ({"resources": {"max_concurrent": 0}}, r"resources\.max_concurrent: .*\(got 0\)"),
        ({"name": "../up"}, r"name: .*\(got '../up'\)"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, entries: dict[str, Any], message: str
) -> None:
    with pytest.raises(SweepError, match=message) as caught:
        read_spec(write(tmp_path, **entries))
    assert str(tmp_path / "spec.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    with pytest.raises(SweepError, match="holds no specification"):
        read_spec(file)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("tasks: [a\nmethods: b", "expected"), ("seeds: 1\nseeds: 2", "seeds is given twice")],
)
def test_broken_yaml_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    with pytest.raises(SweepError, match=f"is not valid YAML: .*{reason}") as caught:
        read_spec(file)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="Cannot read"):
        read_spec(tmp_path)
    (tmp_path / "data.yaml").write_bytes(b"\x89HDF\xff")
    with pytest.raises(SweepError, match="Cannot read"):
        read_spec(tmp_path / "data.yaml")


def test_a_count_of_seeds_stands_for_the_first_ones(tmp_path: Path) -> None:
    assert read_spec(write(tmp_path, seeds=3)).seeds == [0, 1, 2]


def test_a_specification_is_found_by_path_or_by_shipped_name(tmp_path: Path) -> None:
    own = write(tmp_path)
    assert find_spec(str(own)) == own
    assert read_spec(find_spec("quickstart")).name == "quickstart"
    with pytest.raises(SweepError, match=r"no sweep specification quikstart\. Did you mean quickstart\?"):
        find_spec("quikstart")


def test_the_specifications_that_pages_name_are_shipped() -> None:
    named = {
        "alpha",
        "contenders",
        "gradients",
        "halfcheetah",
        "halfcheetah_contenders",
        "hopper_random",
        "ppo_ratios",
    }
    assert named | {"quickstart", "recurrent_critics"} == set(shipped_specs())


@pytest.mark.parametrize("name", shipped_specs())
def test_shipped_specifications_make_plans_and_say_what_they_show(name: str) -> None:
    file = find_spec(name)
    spec = read_spec(file)
    assert spec.name == name
    assert make_plan(spec).trials
    assert file.read_text().startswith("# ")
    assert f"vitamin sweep {name} " in file.read_text()
