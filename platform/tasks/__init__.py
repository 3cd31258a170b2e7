"""Tasks: environment, data, reference scores and settings under one name, kept as YAML in `registry/`.

`vitamin.platform.catalog.get_task` finds one by its name.
"""

from vitamin.platform.tasks.overrides import parse_overrides
from vitamin.platform.tasks.presets import preset_names, resolve_hyperparameters
from vitamin.platform.tasks.registry_files import task_names
from vitamin.platform.tasks.task import Task

__all__ = ["Task", "parse_overrides", "preset_names", "resolve_hyperparameters", "task_names"]
