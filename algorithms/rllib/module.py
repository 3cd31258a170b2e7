"""The RLModule: policy, critics, targets and the statistics that normalize observations."""

from typing import Any

import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor

from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.randomness import Stream, torch_seed

PolicyWeights = dict[str, NDArray[Any]]


_NETWORKS = (
    "policy",
    "reference_policy",
    "target_policy",
    "critic",
    "target_critic",
    "value",
    "target_value",
    "future_encoder",
    "log_temperature",
)


class OfflineToOnlineModule(TorchRLModule, InferenceOnlyAPI):
    """All networks of a method; env runners keep the policy and the observation statistics only."""

    networks: Networks
    observation_mean: Tensor
    observation_std: Tensor

    def setup(self) -> None:
        """Builds the networks from ``model_config``; the initial weights depend on the seed alone."""
        assert isinstance(self.observation_space, Box) and isinstance(self.action_space, Box)
        assert isinstance(self.model_config, dict)
        observation_size, action_size = self.observation_space.shape[0], self.action_space.shape[0]
        settings = Hyperparameters(**self.model_config["hyperparameters"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(self.model_config["seed"], Stream.NETWORKS))
            self.networks = build_networks(
                observation_size,
                action_size,
                get_method(self.model_config["method"]),
                settings,
            )
        self._acting = ("policy", "reference_policy") if settings.jump_start_steps else ("policy",)
        self._learner_only = [name for name in _NETWORKS if name not in self._acting]
        if self.inference_only:
            # RLlib cannot delete nested attributes, but passes over those that are None.
            for name in self._learner_only:
                setattr(self.networks, name, None)
        self.register_buffer("observation_mean", torch.zeros(observation_size, dtype=torch.float64))
        self.register_buffer("observation_std", torch.ones(observation_size, dtype=torch.float64))

    def get_non_inference_attributes(self) -> list[str]:
        """What only the learner needs."""
        return [f"networks.{name}" for name in self._learner_only]

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
        # Arrays from the object store are read-only, which torch warns about; the values are copied in any case.
        self.load_state_dict({name: torch.tensor(array) for name, array in weights.items()}, strict=False)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Action (N, A) for the last state of each context: keys states, actions, returns_to_go, timesteps."""
        output = self.networks.policy.act(
            batch["states"], batch["actions"], batch["returns_to_go"], batch["timesteps"]
        )
        return {Columns.ACTIONS: output.action}
