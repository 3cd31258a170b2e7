"""The state of a learner: tensors of module and optimizers, and their counters."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from vitamin.algorithms.update import Updater
from vitamin.errors import RunError

Tensors = dict[str, NDArray[Any]]
"""Named arrays, as safetensors holds them."""

_MODULE = "module/"
_STATISTICS_TOLERANCE = 1e-3


def state_tensors(module: nn.Module, updater: Updater) -> Tensors:
    """Tensors of the module and of its optimizers' states, on the CPU."""
    tensors = {
        f"{_MODULE}{name}": tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()
    }
    for name, optimizer in updater.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"optimizer/{name}/{index}/{key}"] = torch.as_tensor(value).detach().cpu().numpy()
    return tensors


def state_counters(updater: Updater) -> dict[str, Any]:
    """Counters, those that optimizers keep among their settings too, as JSON holds them."""
    return {
        "optimizer_groups": {
            name: [_counters_of(optimizer, group) for group in optimizer.state_dict()["param_groups"]]
            for name, optimizer in updater.optimizers.items()
        },
        "actor_updates": updater.actor_updates,
        "critic_updates": updater.critic_updates,
    }


def _counters_of(optimizer: Optimizer, group: dict[str, Any]) -> dict[str, Any]:
    """Entries of a parameter group that are no settings, as LAMB's number of steps."""
    return {key: value for key, value in group.items() if key != "params" and key not in optimizer.defaults}


def _check_statistics(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """The module's statistics are those of the data at hand, up to the last bits that another machine sums up."""
    own, mean = dict(module.named_buffers()), weights.get("observation_mean")
    if mean is None or "observation_mean" not in own or mean.shape != own["observation_mean"].shape:
        return
    std = own["observation_std"].cpu()
    if ((mean - own["observation_mean"].cpu()).abs() > _STATISTICS_TOLERANCE * std).any():
        raise RunError(
            "The checkpoint belongs to other data: its mean observation is not that of this run's."
        )


def load_state(module: nn.Module, updater: Updater, tensors: Tensors, counters: dict[str, Any]) -> None:
    """Takes what `state_tensors` and `state_counters` gave; step sizes and other settings stay the updater's.

    Raises:
        RunError: If they belong to networks of other shapes, or to other data.
    """
    weights = {
        name.removeprefix(_MODULE): torch.tensor(array)
        for name, array in tensors.items()
        if name.startswith(_MODULE)
    }
    _check_statistics(module, weights)
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError("The checkpoint belongs to networks of other shapes than this run's.") from error
    for name, optimizer in updater.optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, array in tensors.items():
            if key.startswith(f"optimizer/{name}/"):
                index, field = key.removeprefix(f"optimizer/{name}/").split("/")
                state.setdefault(int(index), {})[field] = torch.tensor(array)
        saved = counters["optimizer_groups"][name]
        groups = [
            {key: group[key] for key in group.keys() - _counters_of(optimizer, group)}
            | _counters_of(optimizer, before)
            for group, before in zip(optimizer.state_dict()["param_groups"], saved, strict=True)
        ]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    updater.actor_updates = counters["actor_updates"]
    updater.critic_updates = counters["critic_updates"]
