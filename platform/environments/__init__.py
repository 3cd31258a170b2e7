"""Gymnasium environments of tasks: observations as numbers of float32 or float64, actions in [-1, 1]."""

from vitamin.platform.environments.make import (
    EnvironmentDescription,
    action_bounds,
    check_restorable,
    describe_environment,
    described_task,
    known_environments,
    make_environment,
    make_raw_environment,
)
from vitamin.platform.environments.probe import probe_environment

__all__ = [
    "EnvironmentDescription",
    "action_bounds",
    "check_restorable",
    "describe_environment",
    "described_task",
    "known_environments",
    "make_environment",
    "make_raw_environment",
    "probe_environment",
]
