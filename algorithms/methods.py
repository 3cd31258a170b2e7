"""The table of methods (paper §4 and Table 1): which policy, which loss terms offline and online, which RL gradient."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from vitamin.errors import SettingsError, nearest

PolicyKind = Literal["deterministic", "stochastic"]
Phase = Literal["pretrain", "online"]


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        name: What users type.
        label: What the paper and reports call it.
        policy: Head of the decision transformer: ``deterministic`` (tanh) or ``stochastic`` (squashed Gaussian).
        gradient: RL gradient mixed into the actor loss, a key of ``vitamin.algorithms.gradients.GRADIENTS``;
            None for purely supervised methods, which have no critic.
        summary: One line for listings.
        groups: Whether the policy learns online from groups of sub-trajectories alone (`group_update`), for which
            env runners restore environments to earlier states.
    """

    name: str
    label: str
    policy: PolicyKind
    gradient: str | None
    summary: str
    groups: bool = False


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
        "grpo",
        "GRPO",
        "stochastic",
        None,
        "pretrained as ODT; online a group-relative policy gradient alone (after Luo and Zhu 2026)",
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
