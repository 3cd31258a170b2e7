"""The RLModule: `NormalizedNetworks`, built as RLlib builds modules."""

from typing import Any

from gymnasium.spaces import Box
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule

from vitamin.algorithms.assembly import initial_networks
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.models.normalized_networks import NormalizedNetworks


class OfflineToOnlineModule(TorchRLModule, InferenceOnlyAPI, NormalizedNetworks):
    """All networks of a method; env runners keep the policy and the observation statistics only."""

    def setup(self) -> None:
        """Builds the networks from ``model_config``; the initial weights depend on the seed alone."""
        assert isinstance(self.observation_space, Box) and isinstance(self.action_space, Box)
        assert isinstance(self.model_config, dict)
        observation_size, action_size = self.observation_space.shape[0], self.action_space.shape[0]
        method, seed = get_method(self.model_config["method"]), self.model_config["seed"]
        settings = Hyperparameters(**self.model_config["hyperparameters"])
        networks = initial_networks(observation_size, action_size, method, settings, seed)
        self._hold(networks, observation_size, guides=settings.jump_start_steps > 0)
        if self.inference_only:
            self.drop_idle()  # RLlib cannot delete nested attributes, but passes over those that are None

    def get_non_inference_attributes(self) -> list[str]:
        """Names of the networks that only the learner needs."""
        return [f"networks.{name}" for name in self.idle]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Action (N, A) for the last state of each context: keys states, actions, returns_to_go, timesteps."""
        output = self.networks.policy.act(
            batch["states"], batch["actions"], batch["returns_to_go"], batch["timesteps"]
        )
        return {Columns.ACTIONS: output.action}
