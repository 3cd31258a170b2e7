"""Wrong values for every option of every command, found by walking through the commands, and mangled files."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import click
import typer
import yaml
from hypothesis import strategies as st

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.platform.cli import app

USUAL: dict[tuple[str, ...], list[str]] = {
    ("train",): ["Pendulum-v1", "--data", "data.hdf5", "--preset", "tiny", "--out", "new"],
    ("evaluate",): ["run", "--episodes", "1"],
    ("report",): ["run", "--reps", "10"],
    ("compare",): ["td3_odt", "odt", "--results", "run"],
    ("watch",): ["run"],
    ("export",): ["run", "--out", "kept"],
    ("embed",): ["page.md"],
    ("sweep",): ["spec.yaml", "--out", "sweep"],
    ("tasks",): ["Pendulum-v1"],
    ("data", "collect"): ["Pendulum-v1", "--policy", "random", "--steps", "200", "--out", "made.hdf5"],
    ("data", "inspect"): ["data.hdf5"],
    ("data", "fetch"): ["hopper-medium-v2"],
    ("data", "import"): ["data.hdf5", "--task", "Pendulum-v1"],
    ("data", "export"): ["data.hdf5", "--to", "copy.hdf5", "--task", "Pendulum-v1"],
}
"""The arguments of a command beside the wrong values; nothing if it is not listed."""

# Nothing that could be written to outside the test's own folder.
VALUES = (
    "", " ", "x", "é\u202e", "a" * 300, "x/" * 2500, "-1", "0", "1", "0.5", "nan", "inf", "-inf",
    "1e30", "1e999", "9" * 30, "9" * 5000, "-" + "9" * 30, "999999999999", str(2**63), str(2**70), "true",
    "null", "[]", "{}", "=", "a=b", ".", "run", "run/checkpoints", "run/config.yaml", "data.hdf5",
    "spec.yaml", "missing", "/dev/null", "/dev/null/x", "/proc/none", "minari:", "minari:a/b-v0",
    "minari:../x-v0", "Pendulum-v1", "CartPole-v1", "pendulum-V1", "no:Such-v0", "TD3_ODT", "td3-odt",
    "PAPER", "quickstart", "%s", "$HOME", "--", "*", "\udcff",
)  # fmt: skip


REPLACEMENTS = (
    None, True, -1, 0, 0.5, float("nan"), float("inf"), 2**63, 10**30, 10**400, "", "NaN", "\ud800", "\0", "x" * 300,
    "../x", "/etc", "a/b", [], {}, [[]], {"a": 1}, ["x"],
)  # fmt: skip
"""Values that may replace one value of a file."""


class Command(NamedTuple):
    """A command, and what it takes."""

    path: tuple[str, ...]
    parameters: tuple[click.Parameter, ...]


def commands() -> list[Command]:
    """All commands."""

    def below(command: Any, path: tuple[str, ...]) -> Iterator[Command]:
        if hasattr(command, "commands"):
            for name, sub in command.commands.items():
                yield from below(sub, (*path, name))
        else:
            yield Command(path, tuple(item for item in command.params if item.name != "help"))

    return list(below(typer.main.get_command(app), ()))


def lines() -> st.SearchStrategy[list[str]]:
    """Command lines with one or two parameters of a command that are wrong, or happen to be right."""
    return st.sampled_from(commands()).flatmap(_lines_of)


def _lines_of(command: Command) -> st.SearchStrategy[list[str]]:
    usual = USUAL.get(command.path, [])
    if not command.parameters:
        return st.just([*command.path, *usual])
    some = st.lists(
        st.sampled_from(command.parameters), min_size=1, max_size=2, unique_by=lambda item: item.name
    )
    return some.flatmap(
        lambda chosen: st.tuples(*(_given(item) for item in chosen)).map(
            lambda given: _joined(list(command.path), usual, chosen, given)
        )
    )


def _given(parameter: click.Parameter) -> st.SearchStrategy[list[str]]:
    """The words of a parameter, the name of an option included."""
    value = st.one_of(st.sampled_from(VALUES), st.text(st.characters(exclude_characters="\0/~"), max_size=20))
    if getattr(parameter, "is_flag", False):
        return st.just([parameter.opts[0]])
    if "=" in str(parameter.metavar):
        value = st.builds("{}={}".format, st.sampled_from(list(Hyperparameters.model_fields)), value)
    name = (
        []
        if isinstance(parameter, click.Argument) or parameter.param_type_name == "argument"
        else parameter.opts[:1]
    )
    return st.tuples(*[value] * max(1, parameter.nargs)).map(lambda values: [*name, *values])


def _joined(
    path: list[str], usual: list[str], chosen: list[click.Parameter], given: tuple[list[str], ...]
) -> list[str]:
    words = list(usual)
    for parameter, words_of in zip(chosen, given, strict=True):
        words = words_of + words[1:] if parameter.param_type_name == "argument" else words + words_of
    return path + words


def cut(content: bytes) -> st.SearchStrategy[bytes]:
    """The beginning of a file."""
    return st.integers(0, len(content) - 1).map(lambda end: content[:end])


def mangled(content: bytes) -> st.SearchStrategy[bytes]:
    """Contents that a file may have after an accident, or after somebody edited it."""
    places = st.integers(0, len(content))
    junk = st.one_of(
        st.binary(max_size=30), st.text(max_size=30).map(lambda text: text.encode(errors="replace"))
    )
    words = st.sampled_from(
        [b"null", b"NaN", b"1e400", b"-1", b"{}", b"[", b"\0" * 8, b"\xff", b"9" * 40, b"true", b"\n"]
    )
    return st.one_of(
        cut(content),
        st.tuples(places, st.one_of(junk, words)).map(
            lambda cut: content[: cut[0]] + cut[1] + content[cut[0] :]
        ),
        st.tuples(places, st.one_of(junk, words)).map(
            lambda cut: content[: cut[0]] + cut[1] + content[cut[0] + len(cut[1]) :]
        ),
        junk,
        st.just(b""),
    )


def replaced(name: str, content: bytes) -> st.SearchStrategy[bytes]:
    """A JSON, YAML or CSV file in which one value is another, which may have another type."""
    text = content.decode()
    if name.endswith(".jsonl"):
        return _in_a_line(text.splitlines(), _in_json)
    if name.endswith(".csv"):
        return _in_a_line(text.splitlines(), _in_row)
    return _in_json(text).map(str.encode)


def _in_a_line(
    lines: list[str], changed: Callable[[str], st.SearchStrategy[str]]
) -> st.SearchStrategy[bytes]:
    return st.integers(0, len(lines) - 1).flatmap(
        lambda number: changed(lines[number]).map(
            lambda line: "\n".join([*lines[:number], line, *lines[number + 1 :], ""]).encode()
        )
    )


def _in_row(row: str) -> st.SearchStrategy[str]:
    fields = row.split(",")
    texts = [str(value).encode(errors="replace").decode() for value in REPLACEMENTS] + ["٣", "1_0", " 1"]
    return st.tuples(st.integers(0, len(fields) - 1), st.sampled_from(texts)).map(
        lambda drawn: ",".join([*fields[: drawn[0]], drawn[1], *fields[drawn[0] + 1 :]])
    )


def _in_json(text: str) -> st.SearchStrategy[str]:
    """Of a YAML document too, which becomes a JSON one: that is YAML as well."""
    content = yaml.safe_load(text)
    return st.tuples(st.sampled_from(list(_places(content))), st.sampled_from(REPLACEMENTS)).map(
        lambda drawn: json.dumps(_with(content, *drawn))
    )


def _places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value."""
    yield place
    items = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in items:
        yield from _places(value, (*place, key))


def _with(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(content)
    changed[place[0]] = _with(content[place[0]], place[1:], value)
    return changed
