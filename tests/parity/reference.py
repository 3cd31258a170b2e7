"""Builds our networks and batches from golden files, and shows our parameters under the published code's names."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS, Method
from vitamin.algorithms.models.critics import Critic, ValueFunction
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.models.policy import PolicyNetwork

Arrays = Mapping[str, NDArray[Any]]

NOT_OURS = ("transformer.wte.", "embed_timestep.", "predict_state.", "predict_return.")
"""Parameters of the published code that no loss reaches; we do not build them."""

_BLOCK_LAYERS = {
    "attention_norm": "ln_1",
    "query_key_value": "attn.c_attn",
    "projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "expansion": "mlp.c_fc",
    "contraction": "mlp.c_proj",
}
_OUTER_LAYERS = {
    "embedding_norm": "embed_ln",
    "embed_timestep": "embed_ordering",
    "final_norm": "transformer.ln_f",
    "head.action": "predict_action.0",
    "head.loc": "predict_action.mu",
    "head.log_std": "predict_action.log_std",
}
_CONV1D = ("c_attn", "c_proj", "c_fc")


def hyperparameters(golden: GoldenFile, **overrides: Any) -> Hyperparameters:
    """The settings with which a file was measured."""
    config = golden.config
    return Hyperparameters(
        **{
            "context_length": context_length(golden),
            "eval_context_length": 1,
            "hidden_size": config["hidden"],
            "num_layers": config["layers"],
            "num_heads": config["heads"],
            "max_timestep": config["max_timestep"],
            "dropout": 0.0,
            "embedding_dropout": 0.0,
            "timestep_embedding": "ordering1" in golden.name,
            "critic_hidden_size": config["critic_width"],
            "critic_layer_norm": "_ln1" in golden.name
            or "layernorm=True" in golden.config["files"][golden.name],
            "rl_coefficient": config["rl_coefficient"],
            "learning_rate": config["actor_lr"],
            "weight_decay": config["actor_weight_decay"],
            "warmup_updates": config["warmup_steps"],
            "gradient_clip": config["grad_clip"],
            "initial_temperature": config["init_temperature"],
            "temperature_learning_rate": config["temperature_lr"],
            "discount": config["gamma"],
            "critic_learning_rate": config["critic_lr"],
            "critic_weight_decay": config["critic_weight_decay"],
            "tau": config["tau"],
            "target_policy_noise": config["policy_noise"],
            "target_noise_clip": config["noise_clip"],
            **overrides,
        }
    )


def context_length(golden: GoldenFile) -> int:
    """K, from the shapes."""
    return int(
        next(array.shape[1] for key, array in golden.items() if re.fullmatch(r"(in\d*|offline)/states", key))
    )


def networks(
    golden: GoldenFile, method: str | Method, settings: Hyperparameters, dtype: torch.dtype
) -> Networks:
    """Networks with the file's weights; what the file lacks keeps its initialization."""
    row = METHODS[method] if isinstance(method, str) else method
    built = build_networks(golden.config["state_dim"], golden.config["action_dim"], row, settings).to(dtype)
    if built.log_temperature is not None:
        nn.init.constant_(built.log_temperature, math.log(settings.initial_temperature))
    for module, group in ((built.policy, "actor"), (built.target_policy, "actor_target")):
        if module is not None and golden.group(group):
            load(module, golden.group(group))
    for target, group in ((False, "critic"), (True, "critic_target")):
        if arrays := golden.group(group):
            for name, parameter in named_critics(built, lambda p: p, target=target):
                with torch.no_grad():
                    parameter.copy_(torch.from_numpy(arrays.pop(name)))
            assert not arrays, f"not loaded: {sorted(arrays)}"
    return built


def policy(
    golden: GoldenFile, settings: Hyperparameters, kind: Any, dtype: torch.dtype
) -> DecisionTransformer:
    """A decision transformer with the weights ``w/``, in evaluation mode."""
    built = DecisionTransformer(golden.config["state_dim"], golden.config["action_dim"], settings, kind).to(
        dtype
    )
    load(built, golden.group("w"))
    return built.eval()


def batch(arrays: Arrays, dtype: torch.dtype) -> SegmentBatch:
    """A segment batch from a file's ``in/`` group."""
    mask = torch.from_numpy(arrays["padding_mask"] > 0)

    def floats(key: str) -> Tensor:
        return torch.from_numpy(arrays[key]).to(dtype)

    return SegmentBatch(
        states=floats("states"),
        actions=floats("actions"),
        rewards=floats("rewards").squeeze(-1),
        next_states=floats("next_states"),
        terminals=torch.from_numpy((arrays["dones"] == 1) & (arrays["padding_mask"] > 0)).to(dtype),
        returns_to_go=floats("rtg").squeeze(-1),
        timesteps=torch.from_numpy(arrays["timesteps"]),
        mask=mask,
        real_count=float(mask.sum()),
    )


def unrounded(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """A float32 array whose short decimals (a clip at 0.9, say) had not been rounded when the file was measured."""
    stored = array.astype(np.float64)
    short = stored.round(3)
    return torch.from_numpy(np.where(short.astype(np.float32) == array, short, stored)).to(dtype)


def replay_noise(*draws: NDArray[Any], dtype: torch.dtype) -> Callable[[torch.Size], Tensor]:
    """A source of noise that gives recorded draws in their order."""
    left = list(draws)

    def noise(shape: torch.Size) -> Tensor:
        return torch.from_numpy(left.pop(0)).to(dtype).reshape(shape)

    return noise


@torch.no_grad()
def load(module: PolicyNetwork | Critic, arrays: Arrays) -> None:
    """Copies weights, given under the published names, into ``module``."""
    ours = set(arrays)
    for name, parameter in named(module, lambda p: p):
        parameter.copy_(torch.from_numpy(arrays[name]))
        ours.discard(name)
    assert all(name.startswith(NOT_OURS) for name in ours), f"not loaded: {sorted(ours)}"


def named(module: nn.Module, view: Callable[[Tensor], Tensor]) -> Iterator[tuple[str, Tensor]]:
    """``view`` of each parameter (itself, its gradient), with the published name and layout."""
    if isinstance(module, Critic | ValueFunction):
        yield from _named_critic(module, view)
    else:
        yield from _named_policy(module, view)


def named_critics(
    networks: Networks, view: Callable[[Tensor], Tensor], *, target: bool = False
) -> Iterator[tuple[str, Tensor]]:
    """``view`` of each parameter of the critics, or of their targets, with the published name."""
    q = networks.target_critic if target else networks.critic
    value = networks.target_value if target else networks.value
    prefixes = ("Q_", "V_") if q is not None and value is not None else ("", "")
    for module, prefix in zip((q, value), prefixes, strict=True):
        if module is not None:
            yield from ((f"{prefix}{name}", shown) for name, shown in named(module, view))


def _named_critic(
    critic: Critic | ValueFunction, view: Callable[[Tensor], Tensor]
) -> Iterator[tuple[str, Tensor]]:
    layers = len(critic.weights)
    for index, (weight, bias) in enumerate(zip(critic.weights, critic.biases, strict=True)):
        for member in range(len(weight)):
            name = f"l{member * layers + index + 1}"
            yield f"{name}.weight", view(weight)[member]
            yield f"{name}.bias", view(bias)[member]


def _named_policy(policy: nn.Module, view: Callable[[Tensor], Tensor]) -> Iterator[tuple[str, Tensor]]:
    last = sum(
        1 for name, _ in policy.named_parameters() if re.fullmatch(r"blocks\.\d+\.projection\.bias", name)
    )
    for name, parameter in policy.named_parameters():
        layer, kind = name.rsplit(".", 1)
        block = re.fullmatch(r"(?:blocks\.(\d+)|last_block)\.(\w+)", layer)
        if block:
            layer = f"transformer.h.{block[1] or last}.{_BLOCK_LAYERS[block[2]]}"
        else:
            layer = _OUTER_LAYERS.get(layer, layer)
        value = view(parameter)
        yield f"{layer}.{kind}", value.t() if layer.endswith(_CONV1D) and kind == "weight" else value


def compare_weights(compare: Comparison, golden: GoldenFile, group: str, module: nn.Module | None) -> None:
    """Compares a module's weights with those in ``expected/<group>/``, if the file has such."""
    expected = golden.group(f"expected/{group}")
    if expected:
        assert module is not None
        compare.skip([f"{group}/{name}" for name in expected if name.startswith(NOT_OURS)])
        for name, weight in named(module, lambda p: p):
            compare(f"{group}/{name}", weight)


def mask_of(arrays: Arrays) -> NDArray[np.bool_]:
    """Real positions of an ``in/`` group; (B, K)."""
    real: NDArray[np.bool_] = arrays["padding_mask"] > 0
    return real


def compare_critics(compare: Comparison, group: str, networks: Networks) -> None:
    """Compares the weights of all critics with those in ``expected/<group>/``."""
    for name, weight in named_critics(networks, lambda p: p):
        compare(f"{group}/{name}", weight)
