"""From names to tasks: the registry's, Minari's datasets, and any Gymnasium environment."""

from vitamin.platform.catalog.lookup import get_task

__all__ = ["get_task"]
