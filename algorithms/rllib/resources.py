"""Resources that env runners and learners ask Ray for, and whether Ray has it: RLlib waits for it without a word."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import ray
import torch
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.tune import PlacementGroupFactory
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group

from vitamin.errors import WorkerFailure

Bundle = Mapping[str, float]

_PATIENCE_S = 60.0
_ADVICE = "Use fewer env runners, learners or GPUs, or a larger cluster."


def check_size(needed: Bundle) -> None:
    """Compares with all that Ray has, free or not.

    Raises:
        WorkerFailure: If Ray has less.
    """
    total = ray.cluster_resources()
    if not _fits(needed, total):
        raise WorkerFailure(f"This needs {_amounts(needed)}; Ray has {_numbers(needed, total)}. {_ADVICE}")


def check_resources(config: AlgorithmConfig, request: PlacementGroupFactory) -> None:
    """Makes sure that the actors of an algorithm can start; waits a minute at most for what others hold.

    Args:
        config: The algorithm's config.
        request: Its bundles, of which the first one is of this process, which is there.

    Raises:
        WorkerFailure: If they cannot.
    """
    if config.num_learners == 0 and config.num_gpus_per_learner > 0:
        _check_own_gpu(config)
    own = 0 if request.head_bundle_is_empty else 1
    bundles = [bundle for bundle in request.bundles[own:] if any(bundle.values())]
    if not bundles:
        return
    group = ray.util.get_current_placement_group()
    if group is not None:
        _check_group(group, bundles, config.num_env_runners)
        return
    check_size(_sum(bundles))
    _wait_for(bundles)


def _check_own_gpu(config: AlgorithmConfig) -> None:
    if config.local_gpu_idx >= torch.cuda.device_count():
        check_size({"GPU": config.num_gpus_per_learner})
        raise WorkerFailure(
            f"This process sees {torch.cuda.device_count()} GPUs, none of number {config.local_gpu_idx}. Use "
            "learners(num_learners=1) for a learner where Ray has GPUs."
        )


def _check_group(group: PlacementGroup, bundles: list[dict[str, float]], num_env_runners: int) -> None:
    """Compares with what a trial of Tune has reserved; RLlib puts env runner i into bundle i, learners anywhere."""
    held = group.bundle_specs
    own = ray.get_runtime_context().get_assigned_resources()
    left = {name: amount - own.get(name, 0) for name, amount in _sum(held).items()}
    runners = bundles[:num_env_runners]
    if not _fits(_sum(bundles), left) or not all(map(_fits, runners, held[1:])):
        raise WorkerFailure(
            f"Env runners and learners need {bundles}; this trial holds {held}, the first for itself. Give "
            "ray.tune.with_resources what OfflineToOnline.default_resource_request(config) returns."
        )


def _wait_for(bundles: list[dict[str, float]]) -> None:
    """Reserves the bundles and lets them go again: only Ray can say whether they fit the nodes beside other jobs."""
    group = placement_group(bundles)
    try:
        if not group.wait(_PATIENCE_S):
            needed, free = _sum(bundles), ray.available_resources()
            raise WorkerFailure(
                f"This needs {_amounts(needed)}; of what Ray has, {_numbers(needed, free)} were free after "
                f"{_PATIENCE_S:.0f} s, or no node has what one process needs. Wait for other jobs to end. {_ADVICE}"
            )
    finally:
        remove_placement_group(group)


def _sum(bundles: Iterable[Bundle]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for bundle in bundles:
        for name, amount in bundle.items():
            total[name] += amount
    return total


def _fits(needed: Bundle, there: Bundle) -> bool:
    return all(there.get(name, 0) >= amount for name, amount in needed.items())


def _names(needed: Bundle) -> list[str]:
    return ["CPU", "GPU", *sorted(needed.keys() - {"CPU", "GPU"})]


def _amounts(needed: Bundle) -> str:
    plural = {"CPU": "CPUs", "GPU": "GPUs"}
    return _joined([f"{needed.get(name, 0):g} {plural.get(name, name)}" for name in _names(needed)])


def _numbers(needed: Bundle, there: Bundle) -> str:
    return _joined([f"{there.get(name, 0):g}" for name in _names(needed)])


def _joined(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
