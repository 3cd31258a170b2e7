"""The learner as RLlib runs it: a process, its place among others, and what env runners left in the object store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
import torch
import torch.distributed as dist
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from torch import Tensor

from vitamin.algorithms.lockstep import Lockstep
from vitamin.algorithms.methods import Phase
from vitamin.algorithms.models.normalized_networks import PolicyWeights
from vitamin.algorithms.rllib.failures import LEARNER_DIED, PeerLost
from vitamin.algorithms.rllib.module import OfflineToOnlineModule
from vitamin.algorithms.rollouts.units import Rollout
from vitamin.algorithms.training.learner import Learner
from vitamin.algorithms.training.learner_state import Tensors
from vitamin.algorithms.update import Updater


class ReplayLearner(TorchLearner):
    """A `Learner` in a process of RLlib's.

    Attributes:
        learner: What learns.
    """

    learner: Learner

    def build(self) -> None:
        """Builds module and optimizers on the learner's device; the replay is filled by `load_offline_data`."""
        self._staged: list[Rollout] = []
        super().build()
        # RLlib's deterministic mode also fills fresh memory, which costs a small network a few percent.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        if self.distributed:
            for tensor in self.networks_module.state_dict().values():
                dist.broadcast(tensor, 0)

    @property
    def networks_module(self) -> OfflineToOnlineModule:
        """The module without RLlib's wrapper."""
        module = self.module[DEFAULT_MODULE_ID].unwrapped()
        assert isinstance(module, OfflineToOnlineModule)
        return module

    @property
    def updater(self) -> Updater:
        """The updater of the networks."""
        return self.learner.updater

    @property
    def _world(self) -> int:
        return max(1, int(self.config.num_learners))

    @property
    def rank(self) -> int:
        """Number of this learner among all."""
        return int(dist.get_rank()) if self._world > 1 else 0

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Makes the learner, whose optimizers RLlib then knows."""
        self.learner = Learner(
            self.networks_module,
            self.config.get_method(),
            self.config.hyperparameters(),
            seed=self.config.seed or 0,
            device=self.device,
            lockstep=Lockstep(self.rank, self._world, self._average_over_learners),
        )
        for name, optimizer in self.updater.optimizers.items():
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            self.register_optimizer(
                module_id=module_id, optimizer_name=name, optimizer=optimizer, params=parameters
            )

    def _make_modules_ddp_if_necessary(self) -> None:
        """No DDP wrapper: it synchronizes only what goes through its own forward; see `_average_over_learners`."""

    def compute_loss_for_module(self, **kwargs: Any) -> Any:
        """RLlib's own update loop is not used.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("Call ReplayLearner.fit(): this learner samples from its own replay.")

    def _average_over_learners(self, tensors: list[Tensor]) -> None:
        """Replaces the tensors, in place, by their averages over all learners, in one all-reduce."""
        if not self.distributed:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        try:
            dist.all_reduce(flat)
        except RuntimeError as error:
            raise PeerLost(LEARNER_DIED) from error
        flat /= self._world
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def load_offline_data(self) -> dict[str, int]:
        """Loads the offline data; see `Learner.load_offline_data`.

        Returns:
            Trajectories and steps of the data, those included that the replay leaves out.

        Raises:
            DatasetError: Whatever is wrong with the data.
        """
        trajectories = self.config.dataset_loader()
        self.learner.load_offline_data(trajectories)
        return {"trajectories": len(trajectories), "steps": trajectories.num_steps}

    def stage(self, units: Sequence["Rollout | ray.ObjectRef[Any]"]) -> list[int]:
        """Fetches what env runners collected, to be learned from as of the next `fit`.

        Returns:
            Positions in ``units`` whose data was lost with the process that held it. Nothing is staged then.
        """
        self._staged, lost = [], []
        for position, unit in enumerate(units):
            try:
                self._staged.append(ray.get(unit) if isinstance(unit, ray.ObjectRef) else unit)
            except ray.exceptions.RayError:
                lost.append(position)
        if lost:
            self._staged = []
        return lost

    def fit(self, phase: Phase, actor_updates: int) -> None:
        """Adds what is staged, if anything, and makes updates; see `Learner.fit`."""
        with self._in_step():
            if self._staged:
                added, self._staged = self._staged, []
                self.learner.add(added)
            self.learner.fit(phase, actor_updates)

    def take_metrics(self) -> dict[str, float]:
        """See `Learner.take_metrics`."""
        with self._in_step():
            return self.learner.take_metrics()

    @contextmanager
    def _in_step(self) -> Iterator[None]:
        """If this learner fails inside the block, the others, which wait for it in a collective, fail at once."""
        try:
            yield
        except BaseException:
            if self.distributed and dist.is_initialized():
                dist.destroy_process_group()
            raise

    def policy_weights(self) -> PolicyWeights:
        """Weights that env runners need."""
        return self.learner.policy_weights()

    def digest(self) -> str:
        """See `Learner.digest`."""
        return self.learner.digest()

    def checkpoint(self) -> tuple[Tensors, Tensors, dict[str, Any]]:
        """See `Learner.state`."""
        return self.learner.state()

    def restore(self, tensors: Tensors, replay: Tensors, counters: dict[str, Any]) -> None:
        """Takes what `checkpoint` gave; see `Learner.load_state`."""
        self.learner.load_state(tensors, replay, counters, self.config.dataset_loader)
        self._staged = []
