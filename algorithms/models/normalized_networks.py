"""Networks together with the statistics that normalize what they see: all that acting takes, and all that is saved."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitamin.algorithms.models.networks import Networks

PolicyWeights = dict[str, NDArray[Any]]
"""Arrays by their names in `NormalizedNetworks.state_dict`."""


class NormalizedNetworks(nn.Module):
    """All networks of a method and the statistics of the offline data's observations.

    Attributes:
        networks: The networks.
        observation_mean: float64 (S,); 0 until there is data.
        observation_std: float64 (S,), what observations are divided by; 1 until there is data.

    Args:
        networks: The networks.
        observation_size: S.
        guides: Whether the reference policy acts too, at the start of episodes.
    """

    networks: Networks
    observation_mean: Tensor
    observation_std: Tensor

    def __init__(self, networks: Networks, observation_size: int, guides: bool) -> None:
        super().__init__()
        self._hold(networks, observation_size, guides)

    def _hold(self, networks: Networks, observation_size: int, guides: bool) -> None:
        """The part of ``__init__`` beside nn.Module's, for RLlib's module, which is built in a method."""
        self.networks = networks
        self.register_buffer("observation_mean", torch.zeros(observation_size, dtype=torch.float64))
        self.register_buffer("observation_std", torch.ones(observation_size, dtype=torch.float64))
        self._acting = ("policy", "reference_policy") if guides else ("policy",)

    @property
    def idle(self) -> list[str]:
        """Names of the networks that do not act."""
        return [name for name in Networks.NAMES if name not in self._acting]

    def drop_idle(self) -> None:
        """Leaves the networks that act and nothing else."""
        for name in self.idle:
            setattr(self.networks, name, None)

    def policy_weights(self) -> PolicyWeights:
        """Weights of the policies that act and the observation statistics, as arrays on the CPU."""
        names = ("observation_", *(f"networks.{name}." for name in self._acting))
        return {
            name: tensor.detach().cpu().numpy().copy()
            for name, tensor in self.state_dict().items()
            if name.startswith(names)
        }

    def load_policy_weights(self, weights: PolicyWeights) -> None:
        """Loads what `policy_weights` gave."""
        # Arrays from Ray's object store are read-only, which torch warns about; the values are copied in any case.
        self.load_state_dict({name: torch.tensor(array) for name, array in weights.items()}, strict=False)
