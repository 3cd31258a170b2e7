"""The table of methods (paper §4 and Table 1): which policy, which loss terms offline and online, which RL gradient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from vitamin.errors import SettingsError, nearest

PolicyKind = Literal["deterministic", "stochastic"]
NetworkKind = Literal["transformer", "mlp", "future_transformer"]
Phase = Literal["pretrain", "online"]


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        name: What users type.
        label: What the paper and reports call it.
        policy: Head of the policy: ``deterministic`` (tanh) or ``stochastic`` (Gaussian).
        gradient: RL gradient mixed into the actor loss, a key of ``vitamin.algorithms.gradients.GRADIENTS``;
            None for purely supervised methods, which have no critic.
        summary: One line for listings.
        supervised: Whether the online actor loss has the supervised term. That of pretraining has it with
            ``pretrain_supervised_coefficient``.
        network: What the policy is: a decision transformer; a perceptron that sees the state alone; or a transformer
            conditioned on latent futures instead of returns, which comes with its own losses and replay.
        fixed: Hyperparameters that are part of the method's definition.
        groups: Whether the policy learns online from groups of sub-trajectories alone (`group_update`), for which
            env runners restore environments to earlier states.
    """

    name: str
    label: str
    policy: PolicyKind
    gradient: str | None
    summary: str
    supervised: bool = True
    network: NetworkKind = "transformer"
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    groups: bool = False

    def terms(self, phase: Phase) -> str:
        """The actor loss of a phase in words, with the usual coefficients."""
        like_online = phase == "online" or _AS_ONLINE.items() <= self.fixed.items()
        supervised = "squared error" if self.policy == "deterministic" else "likelihood + entropy"
        parts = [supervised] if self.supervised or not like_online else []
        if self.network == "future_transformer":
            parts += ["β·KL", "return likelihood"] if phase == "online" else ["β·KL"]
        if self.gradient is not None and like_online:
            gradient = self.label.split("+")[0]
            parts.append(f"α·{gradient}" if parts else gradient)
        if self.groups and phase == "online":
            parts.append(self.label)
        return " + ".join(parts)


_AS_ONLINE = {"pretrain_rl_coefficient": "online", "pretrain_supervised_coefficient": "online"}
_PERCEPTRON = {"context_length": 1, "eval_context_length": 1} | _AS_ONLINE


def _alone_and_mixed(gradient: str, label: str, name: str, words: str) -> tuple[Method, Method]:
    """Two rows for an RL gradient on the stochastic transformer: alone online, and beside the supervised term."""
    alone = Method(
        name,
        label,
        "stochastic",
        gradient,
        f"decision transformer with {words} alone online",
        supervised=False,
    )
    mixed = Method(
        f"{gradient}_odt", f"{gradient.upper()}+ODT", "stochastic", gradient, f"ODT with {words} added online"
    )
    return alone, mixed


_ROWS = (
    Method(
        "td3_odt",
        "TD3+ODT",
        "deterministic",
        "td3",
        "supervised loss plus TD3 gradients online (the paper's method)",
    ),
    Method(
        "odt",
        "ODT",
        "stochastic",
        None,
        "online decision transformer: likelihood plus entropy (Zheng et al. 2022)",
    ),
    Method(
        "td3",
        "TD3",
        "deterministic",
        "td3",
        "decision transformer with TD3 gradients alone online",
        supervised=False,
    ),
    Method(
        "ddpg_odt",
        "DDPG+ODT",
        "deterministic",
        "td3",
        "as TD3+ODT with DDPG gradients: one critic, no smoothing noise, no delay",
        fixed={"critic_members": 1, "target_policy_noise": 0.0, "actor_update_interval": 1},
    ),
    Method(
        "pdt",
        "PDT",
        "stochastic",
        None,
        "latent futures instead of returns, reward-free pretraining; online it learns which pay (Xie et al. 2023)",
        network="future_transformer",
    ),
    Method(
        "td3_bc",
        "TD3+BC",
        "deterministic",
        "td3",
        "perceptron: TD3 divided by the mean |Q|, plus behaviour cloning (Fujimoto and Gu 2021)",
        network="mlp",
        fixed=_PERCEPTRON | {"normalize_rl_coefficient": True},
    ),
    Method(
        "iql",
        "IQL",
        "stochastic",
        "iql",
        "perceptron: expectile values, advantage-weighted regression (Kostrikov et al. 2022)",
        supervised=False,
        network="mlp",
        fixed=_PERCEPTRON,
    ),
    *_alone_and_mixed("sac", "SAC", "sac", "soft actor-critic"),
    *_alone_and_mixed("iql", "IQL+DT", "iql_dt", "implicit Q-learning"),
    *_alone_and_mixed("ppo", "PPO", "ppo", "proximal policy optimization"),
    *_alone_and_mixed("awac", "AWAC", "awac", "advantage-weighted actor-critic"),
    *_alone_and_mixed("awr", "AWR", "awr", "advantage-weighted regression"),
    Method(
        "grpo",
        "GRPO",
        "stochastic",
        None,
        "pretrained as ODT; online a group-relative policy gradient alone (after Luo and Zhu 2026)",
        supervised=False,
        groups=True,
    ),
)
METHODS: Mapping[str, Method] = MappingProxyType({row.name: row for row in _ROWS})


def get_method(name: str) -> Method:
    """The row called ``name``.

    Raises:
        SettingsError: If there is no such method.
    """
    if name not in METHODS:
        raise SettingsError(
            f"Unknown method {name!r}.{nearest(name, METHODS)} Methods: {', '.join(METHODS)}."
        )
    return METHODS[name]
