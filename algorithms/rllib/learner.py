"""The learner: it owns the replay and makes all updates of an iteration in one remote call."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import ray
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from vitamin.algorithms.methods import Phase
from vitamin.algorithms.randomness import Stream, generator, torch_seed
from vitamin.algorithms.replay import Replay
from vitamin.algorithms.rllib.module import OfflineToOnlineModule, PolicyWeights
from vitamin.algorithms.segments import SegmentBatch
from vitamin.algorithms.trajectories import Trajectories
from vitamin.algorithms.update import Updater
from vitamin.errors import Diverged, RunError

Tensors = dict[str, NDArray[Any]]


class ReplayLearner(TorchLearner):
    """One of N learners in lockstep: each holds the whole replay, draws the global batch and takes its share of it.

    Gradients are averaged over the learners before clipping, so N learners make the update of one learner with the
    same global batch, up to rounding (dropout masks differ).
    """

    replay: Replay

    def build(self) -> None:
        """Builds module and optimizers on the learner's device; the replay is filled by `load_offline_data`."""
        self.hyperparameters = self.config.hyperparameters()
        self.method = self.config.get_method()
        self.updates = 0
        self.online = False
        self._staged: list[Trajectories] = []
        if self.config.num_gpus_per_learner == 0:
            torch.set_num_threads(self.hyperparameters.learner_threads)
        super().build()
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
    def _world(self) -> int:
        return max(1, int(self.config.num_learners))

    @property
    def rank(self) -> int:
        """Number of this learner among all."""
        return int(dist.get_rank()) if self._world > 1 else 0

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers the updater's optimizers with RLlib."""
        self.updater = Updater(
            self.networks_module.networks,
            self.method,
            self.hyperparameters,
            self._average_over_learners if self.distributed else None,
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

    def _average_over_learners(self, gradients: list[Tensor]) -> None:
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self._world
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def load_offline_data(self) -> dict[str, int]:
        """Fills the replay with the offline data and sets the observation statistics.

        Returns:
            Trajectories and steps of the data, before the replay took its share.

        Raises:
            DatasetError: Whatever is wrong with the data.
        """
        trajectories = self.config.dataset_loader()
        self.replay = Replay.from_offline(
            trajectories, hyperparameters=self.hyperparameters, device=self.device
        )
        module = self.networks_module
        module.observation_mean.copy_(torch.as_tensor(self.replay.observation_mean))
        module.observation_std.copy_(torch.as_tensor(self.replay.observation_std))
        return {"trajectories": len(trajectories), "steps": trajectories.num_steps}

    def stage(self, units: Sequence["Trajectories | ray.ObjectRef[Any]"]) -> list[int]:
        """Fetches trajectories, to be added to the replay by the next `fit`.

        Returns:
            Positions in ``units`` whose data was lost with the process that held it. Nothing is staged then.
        """
        self._staged, lost = [], []
        for position, unit in enumerate(units):
            try:
                self._staged.append(unit if isinstance(unit, Trajectories) else ray.get(unit))
            except ray.exceptions.RayError:
                lost.append(position)
        if lost:
            self._staged = []
        return lost

    def fit(self, phase: Phase, actor_updates: int) -> dict[str, float]:
        """Adds staged trajectories to the replay and makes ``actor_updates`` actor updates with their critic updates.

        Returns:
            Means of the updates' metrics, and the replay's size.

        Raises:
            Diverged: If a metric or a weight is NaN or infinite.
        """
        for trajectories in self._staged:
            self.replay.add(
                trajectories, bootstrap_at_time_limit=self.hyperparameters.bootstrap_at_time_limit
            )
        self._staged = []
        if phase == "online" and not self.online:
            self.networks_module.networks.copy_targets()
            self.online = True
        self.networks_module.train()
        interval = self.hyperparameters.actor_update_interval if self.method.gradient else 1
        sums: dict[str, Tensor] = {}
        counts: dict[str, int] = {}
        for _ in range(actor_updates * interval):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._torch_seed(Stream.DROPOUT, self.rank))
                metrics = self.updater.update(self._sample(), phase, self._noise())
            self.updates += 1
            for name, value in metrics.items():
                sums[name] = sums[name] + value if name in sums else value.clone()
                counts[name] = counts.get(name, 0) + 1
        means = self._mean_metrics(sums, counts)
        infinite = [name for name, value in means.items() if not np.isfinite(value)]
        if infinite := infinite or self._infinite_weights():
            raise Diverged(
                f"{', '.join(infinite)} became NaN or infinite after {self.updater.actor_updates} actor updates. "
                "Try a smaller learning_rate, critic_learning_rate or rl_coefficient, or critic_layer_norm=true."
            )
        return means | {
            "replay/trajectories": float(self.replay.num_trajectories),
            "replay/steps": float(self.replay.num_steps),
        }

    def _infinite_weights(self) -> list[str]:
        """Networks with weights that are NaN or infinite; a ReLU can hide that from all metrics."""
        names, weights = zip(*self.networks_module.networks.named_parameters(), strict=True)
        finite = torch.stack([weight.detach().sum() for weight in weights]).isfinite().tolist()
        broken = [name.split(".")[0] for name, good in zip(names, finite, strict=True) if not good]
        return [f"weights of {network}" for network in dict.fromkeys(broken)]

    def _torch_seed(self, stream: Stream, *counters: int) -> int:
        return torch_seed(self.config.seed or 0, stream, self.updates, *counters)

    def _sample(self) -> SegmentBatch:
        size, world, rank = self.hyperparameters.batch_size, self._world, self.rank
        starts = self.replay.draw(generator(self.config.seed or 0, Stream.SEGMENTS, self.updates), size)
        if world == 1:
            return self.replay.gather(starts)
        share = starts[rank * size // world : (rank + 1) * size // world]
        return self.replay.gather(share, real_count=self.replay.real_positions(starts) / world)

    def _noise(self) -> Any:
        """Standard normal draws of an update; each learner takes its rows of the global batch's draw."""
        source = torch.Generator(self.device).manual_seed(self._torch_seed(Stream.TARGET_NOISE))

        def draw(shape: torch.Size) -> Tensor:
            rows = shape[0]
            whole = torch.randn((rows * self._world, *shape[1:]), generator=source, device=self.device)
            return whole[rows * self.rank : rows * (self.rank + 1)]

        return draw

    def _mean_metrics(self, sums: dict[str, Tensor], counts: dict[str, int]) -> dict[str, float]:
        if not sums:
            return {}
        values = torch.stack([(sums[name] / counts[name]).float() for name in sums])
        if self.distributed:
            dist.all_reduce(values)
            values /= self._world
        return dict(zip(sums, values.tolist(), strict=True))

    def policy_weights(self) -> PolicyWeights:
        """Weights that env runners need."""
        return self.networks_module.policy_weights()

    def policy_weights_reference(self) -> "ray.ObjectRef[Any]":
        """The same in the object store, put there by this process."""
        return ray.put(self.policy_weights())

    def digest(self) -> str:
        """SHA-256 over all parameters and buffers: equal on learners that are in step."""
        state = self.networks_module.state_dict()
        return hashlib.sha256(
            b"".join(state[name].detach().cpu().contiguous().numpy().tobytes() for name in sorted(state))
        ).hexdigest()

    def parameter_vector(self) -> NDArray[np.float32]:
        """All parameters in one vector."""
        vector: NDArray[np.float32] = (
            parameters_to_vector(self.networks_module.parameters()).detach().cpu().numpy()
        )
        return vector

    def checkpoint(self) -> tuple[Tensors, Tensors, dict[str, Any]]:
        """Everything that a later learner needs besides the offline data.

        Returns:
            Tensors of the module and the optimizers, arrays of the replay, and counters.
        """
        tensors = {
            f"module/{name}": tensor.detach().cpu().numpy()
            for name, tensor in self.networks_module.state_dict().items()
        }
        for name, optimizer in self.updater.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"optimizer/{name}/{index}/{key}"] = torch.as_tensor(value).detach().cpu().numpy()
        counters = {
            "optimizer_groups": {
                name: [
                    {key: value for key, value in group.items() if key != "params"}
                    for group in optimizer.state_dict()["param_groups"]
                ]
                for name, optimizer in self.updater.optimizers.items()
            },
            "updates": self.updates,
            "online": self.online,
            "actor_updates": self.updater.actor_updates,
            "critic_updates": self.updater.critic_updates,
        }
        return tensors, self.replay.state(), counters

    def restore(self, tensors: Tensors, replay: Tensors, counters: dict[str, Any]) -> None:
        """Takes the state that `checkpoint` gave.

        Raises:
            RunError: If the checkpoint belongs to networks of other shapes.
        """
        module = {
            name.removeprefix("module/"): torch.tensor(array)
            for name, array in tensors.items()
            if name.startswith("module/")
        }
        try:
            self.networks_module.load_state_dict(module)
        except RuntimeError as error:
            raise RunError("The checkpoint belongs to networks of other shapes than this run's.") from error
        for name, optimizer in self.updater.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, array in tensors.items():
                if key.startswith(f"optimizer/{name}/"):
                    index, field = key.removeprefix(f"optimizer/{name}/").split("/")
                    state.setdefault(int(index), {})[field] = torch.tensor(array)
            saved_groups = counters["optimizer_groups"][name]
            groups = [
                group | saved
                for group, saved in zip(optimizer.state_dict()["param_groups"], saved_groups, strict=True)
            ]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
        if self.online:
            self.load_offline_data()  # a replay that has been overwritten has lost part of it
        self.replay.load_state(replay)
        self.updates, self.online = counters["updates"], counters["online"]
        self.updater.actor_updates = counters["actor_updates"]
        self.updater.critic_updates = counters["critic_updates"]
