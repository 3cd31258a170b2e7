"""What a learner's checkpoint holds: tensors of module and optimizers, and their settings."""

from typing import Any

import torch
from torch import Tensor, nn

from vitamin.algorithms.rllib.checkpoint import Tensors
from vitamin.algorithms.update import Updater
from vitamin.errors import RunError

_MODULE = "module/"


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
    """Counters and optimizer settings, as JSON holds them."""
    return {
        "optimizer_groups": {
            name: [
                {key: value for key, value in group.items() if key != "params"}
                for group in optimizer.state_dict()["param_groups"]
            ]
            for name, optimizer in updater.optimizers.items()
        },
        "actor_updates": updater.actor_updates,
        "critic_updates": updater.critic_updates,
    }


def load_state(module: nn.Module, updater: Updater, tensors: Tensors, counters: dict[str, Any]) -> None:
    """Takes what `state_tensors` and `state_counters` gave.

    Raises:
        RunError: If they belong to networks of other shapes.
    """
    weights = {
        name.removeprefix(_MODULE): torch.tensor(array)
        for name, array in tensors.items()
        if name.startswith(_MODULE)
    }
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
            group | before
            for group, before in zip(optimizer.state_dict()["param_groups"], saved, strict=True)
        ]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    updater.actor_updates = counters["actor_updates"]
    updater.critic_updates = counters["critic_updates"]
