"""The resources that a trial reserves in Ray."""

from pathlib import Path
from typing import Any

from ray.tune import PlacementGroupFactory

from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.platform.experiments.build import algorithm_config
from vitamin.platform.sweeps.plan import Trial


def trial_resources(trial: Trial) -> PlacementGroupFactory:
    """The bundles of a trial in the order in which RLlib places its actors: trial process, env runners, learners.

    RLlib puts env runner i into bundle i, and learners wherever a bundle is free, so its own list has to be used.

    Raises:
        SettingsError: If the experiment's settings do not fit together.
    """
    config = algorithm_config(trial.experiment, data=Path())
    request = OfflineToOnline.default_resource_request(config)
    assert isinstance(request, PlacementGroupFactory)
    return request


def total(request: PlacementGroupFactory, resource: str) -> float:
    """Sum of ``CPU`` or ``GPU`` over the bundles."""
    amounts: dict[str, Any] = request.required_resources
    return float(amounts.get(resource, 0))
