"""Reading YAML, strictly: a key that a mapping holds twice is a mistake, not a value that vanishes."""

from typing import Any

import yaml


class _StrictLoader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (key.tag, key.value) in seen:
                raise yaml.composer.ComposerError(
                    problem=f"{key.value} is given twice", problem_mark=key.start_mark
                )
            seen.add((key.tag, key.value))
        return node


def load_yaml(text: str) -> Any:
    """The content of a YAML document, made of plain values.

    Raises:
        yaml.YAMLError: If it is malformed, or a mapping holds a key twice.
    """
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
