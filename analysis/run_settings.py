"""The settings of a run, from its ``config.yaml``."""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, Final

import yaml

from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.schema import CONFIG_FILE, RunInfo
from vitamin.former_names import present_settings

_HYPERPARAMETERS: Final = "hyperparameters"
# Where a line begins an entry of the mapping that the file holds.
_ENTRY: Final = re.compile(r"^(?=\w)", re.MULTILINE)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_settings(run: RunFiles) -> dict[str, Any] | None:
    """The settings that the run started with, hyperparameters included; None if ``config.yaml`` holds no settings."""
    try:
        content = _parsed((run.find(CONFIG_FILE) or b"").decode())
    except (OSError, ValueError, TypeError, ArithmeticError, RecursionError, yaml.YAMLError):
        return None
    hyperparameters = content.pop(_HYPERPARAMETERS, None)
    return content | present_settings(hyperparameters) if isinstance(hyperparameters, dict) else None


def setting(run: RunFiles, info: RunInfo, name: str) -> Any:
    """One hyperparameter: as it was set, else as ``config.yaml`` has it; None if neither is there."""
    if name in info.overrides:
        return info.overrides[name]
    return (read_settings(run) or {}).get(name)


def _parsed(text: str) -> dict[str, Any]:
    """The mapping that the text holds, entry by entry: seeds of one experiment differ in the shortest of them only.

    Raises:
        YAMLError: If it is no YAML.
        ValueError: If it is no mapping.
    """
    found: dict[str, Any] = {}
    for entry in _ENTRY.split(text):
        content = _entry(entry)
        if not isinstance(content, Mapping | None):
            raise ValueError("no mapping")  # noqa: TRY004 (as for what is no text)
        found |= content or {}
    return deepcopy(found)


@lru_cache(maxsize=1024)
def _entry(text: str) -> Any:
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)
