"""Reading YAML, strictly: a key that a mapping holds twice is a mistake, not a value that vanishes.

What would take forever to read, or to go through, is refused: settings are small and flat.
"""

from pathlib import Path
from typing import Any

import yaml

from vitamin.errors import VitaminError, shown

_LARGEST_FILE = 1_000_000
_MOST_VALUES = 50_000
_DEEPEST = 20
# What PyYAML raises, beside its own errors, at values such as 2001-99-99, !!int "" or an integer of 5000 digits.
_FLAWS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class _StrictLoader(yaml.SafeLoader):
    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._values = 0
        self._sizes: dict[
            int, int
        ] = {}  # values in each finished node, those that its aliases stand for included

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self._sizes:
                raise _refusal(f"{event.anchor} stands inside itself", event)
            self._count(self._sizes[id(node)], event)
            return node
        before = self._values
        self._count(1, event)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _refusal(f"it is nested more than {_DEEPEST} deep", event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._sizes[id(node)] = self._values - before
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _FLAWS as error:
            raise _refusal(f"the value {shown(node.value)} cannot be read", node) from error

    def construct_undefined(self, node: yaml.Node) -> Any:
        raise _refusal(f"{node.tag} is no kind of plain value", node)

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > _MOST_VALUES:
            raise _refusal(f"it holds more than {_MOST_VALUES:,} values", event)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (key.tag, key.value) in seen:
                raise _refusal(f"{key.value} is given twice", key)
            seen.add((key.tag, key.value))
        return node


_StrictLoader.add_constructor(None, _StrictLoader.construct_undefined)


def _refusal(problem: str, place: Any) -> yaml.YAMLError:
    return yaml.composer.ComposerError(problem=problem, problem_mark=place.start_mark)


def load_yaml(text: str) -> Any:
    """The content of a YAML document, made of plain values.

    Raises:
        yaml.YAMLError: If it is malformed, holds too much or is nested too deeply, or a mapping holds a key twice.
    """
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)


def read_yaml(file: Path, failure: type[VitaminError]) -> Any:
    """The content of a YAML file, made of plain values.

    Args:
        file: The file, or a pipe.
        failure: What is raised if it cannot be read, is larger than a megabyte, or is not valid YAML.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # a null character in its name is a ValueError
        raise failure(f"Cannot read {file}: {getattr(error, 'strerror', None) or error}.") from error
    if len(content) > _LARGEST_FILE:
        raise failure(f"{file} has more than {_LARGEST_FILE:,} bytes, and is no file of settings.")
    try:
        return load_yaml(content.decode())
    except UnicodeDecodeError as error:
        raise failure(f"Cannot read {file}: it is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        raise failure(f"{file} is not valid YAML: {_said(error)}.") from error


def _said(error: yaml.YAMLError) -> str:
    """A sentence about what is wrong, and where."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"it holds the character U+{error.character:04X}"
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark) is not None:
        return f"line {mark.line + 1}, column {mark.column + 1}: {str(error.problem).removeprefix('but ')}"
    return " ".join(str(error).split())
