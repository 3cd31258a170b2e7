"""The learner: it owns the replay and makes all updates of an iteration in one remote call."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import ray
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from torch import Tensor

from vitamin.algorithms.assembly import build_updater, replay_class
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.data.valued_replay import ValuedReplay
from vitamin.algorithms.gradients import Metrics
from vitamin.algorithms.grpo.groups import GroupBuffer, Groups, batch_of_passes
from vitamin.algorithms.grpo.rollout import GroupRollout
from vitamin.algorithms.grpo.update import GroupUpdater
from vitamin.algorithms.memory import keep_freed_memory
from vitamin.algorithms.methods import Phase
from vitamin.algorithms.randomness import Stream, generator, torch_seed
from vitamin.algorithms.rllib.checkpoint import Tensors
from vitamin.algorithms.rllib.learner_state import load_state, state_counters, state_tensors
from vitamin.algorithms.rllib.module import OfflineToOnlineModule, PolicyWeights
from vitamin.algorithms.rllib.work import LEARNER_DIED, PeerLost
from vitamin.algorithms.threads import torch_threads
from vitamin.errors import Diverged

Collected = Trajectories | GroupRollout
"""What a work unit of online rollouts gives."""


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
        self._staged: list[Collected] = []
        self._group_updater: GroupUpdater | None = None
        self._rl_buffer: ValuedReplay | None = None
        self._sums: dict[str, tuple[Tensor, int]] = {}
        super().build()
        if self.device.type == "cuda":
            torch.use_deterministic_algorithms(True, warn_only=True)  # RLlib asks for them on CPUs only
        else:
            keep_freed_memory()
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
    def _world(self) -> int:
        return max(1, int(self.config.num_learners))

    @property
    def rank(self) -> int:
        """Number of this learner among all."""
        return int(dist.get_rank()) if self._world > 1 else 0

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers the updater's optimizers with RLlib."""
        self.updater = build_updater(
            self.networks_module.networks,
            self.method,
            self.hyperparameters,
            self._average_over_learners,
            self._world,
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
        """Fills the replay with the offline data, for pretraining, and sets the observation statistics.

        Returns:
            Trajectories and steps of the data, those included that the replay leaves out.

        Raises:
            DatasetError: Whatever is wrong with the data.
        """
        trajectories = self.config.dataset_loader()
        self.replay = replay_class(self.method).from_offline(
            trajectories, hyperparameters=self.hyperparameters, device=self.device
        )
        module = self.networks_module
        module.observation_mean.copy_(torch.as_tensor(self.replay.observation_mean))
        module.observation_std.copy_(torch.as_tensor(self.replay.observation_std))
        return {"trajectories": len(trajectories), "steps": trajectories.num_steps}

    def stage(self, units: Sequence["Collected | ray.ObjectRef[Any]"]) -> list[int]:
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
        """Adds staged trajectories to the replay and makes ``actor_updates`` actor updates with their critic updates.

        Metrics are summed up until `take_metrics`.

        Raises:
            Diverged: If a metric or a weight is NaN or infinite.
        """
        if phase == "online" and not self.online:
            self.updater.begin_phase()
            self.replay.begin_online()
            self.online = True
        new = self._add_staged()
        if new:
            self._begin_iteration(new)
        self.networks_module.train()
        interval = self.hyperparameters.actor_update_interval if self.method.gradient else 1
        with self._in_step(), self._reproducible():
            for _ in range(actor_updates * interval):
                self._dropout_generator.manual_seed(self._torch_seed(Stream.DROPOUT, self.rank))
                metrics = self._one_update(phase)
                self.updates += 1
                for name, value in metrics.items():
                    total, count = self._sums.get(name, (torch.zeros_like(value), 0))
                    self._sums[name] = total + value, count + 1
            self._check_finite()
        if (
            phase == "pretrain"
        ):  # not as the online phase begins: its first rollouts come before, with a guide
            self.networks_module.networks.copy_reference()

    def _one_update(self, phase: Phase) -> Metrics:
        if phase == "online" and self._group_updater is not None:
            return self._group_updater.update(self._sub_trajectories(), self._noise())
        rl_batch = None if self._rl_buffer is None else self._sample(self._rl_buffer, Stream.RL_SEGMENTS)
        return self.updater.update(self._sample(self.replay, Stream.SEGMENTS), phase, self._noise(), rl_batch)

    def take_metrics(self) -> dict[str, float]:
        """Means, over all learners, of the metrics of the updates since the last call, and the replay's size."""
        with self._in_step():
            means = self._mean_metrics()
        self._sums = {}
        return means | {
            "replay/trajectories": float(self.replay.num_trajectories),
            "replay/steps": float(self.replay.num_steps),
        }

    def _add_staged(self) -> list[Collected]:
        """Adds the staged trajectories to the replay, and returns what was staged."""
        added, self._staged = self._staged, []
        for unit in added:
            self._add(self.replay, unit.trajectories if isinstance(unit, GroupRollout) else unit)
        return added

    def _add(self, replay: Replay, trajectories: Trajectories) -> None:
        replay.add(trajectories, bootstrap_at_time_limit=self.hyperparameters.bootstrap_at_time_limit)

    def _begin_iteration(self, new: list[Collected]) -> None:
        """Gives a method with data of its own what it learns from in this iteration."""
        self.updater.begin_iteration()
        if groups := [unit.groups for unit in new if isinstance(unit, GroupRollout)]:
            self._take_up(Groups.concatenate(groups))
        data = "replay" if self.updater.gradient is None else self.updater.gradient.data
        if data == "replay":
            return
        replay, log_probs = self.replay, None
        if data == "iteration":
            iteration = Trajectories.concatenate([unit for unit in new if isinstance(unit, Trajectories)])
            replay, log_probs = self.replay.empty_like(len(iteration)), iteration.log_probs
            self._add(replay, iteration)
        value = self.networks_module.networks.v
        with self._reproducible():
            self._rl_buffer = ValuedReplay(replay, value, self.hyperparameters, log_probs)

    def _take_up(self, groups: Groups) -> None:
        """Makes the iteration's groups what the policy learns from; they are not kept for later ones."""
        buffer = GroupBuffer(groups, self.hyperparameters.eval_context_length, self.device)
        with self._in_step(), self._reproducible():
            self._group_updater = GroupUpdater(self.updater, buffer)
        self._group_count, self._groups_since = len(groups), self.updates
        for name, value in self._group_updater.metrics().items():
            self._sums[name] = torch.tensor(value, device=self.device), 1

    def _sub_trajectories(self) -> NDArray[np.int64]:
        """This learner's share of an update's sub-trajectories."""
        seed, since = self.config.seed or 0, self._groups_since
        size, world, rank = self.hyperparameters.group_batch_size, self._world, self.rank
        chosen = batch_of_passes(
            self.updates - since,
            size,
            self._group_count,
            lambda number: generator(seed, Stream.GROUP_ORDER, since, number),
        )
        return chosen[rank * size // world : (rank + 1) * size // world]

    @contextmanager
    def _in_step(self) -> Iterator[None]:
        """If this learner fails inside the block, the others, which wait for it in a collective, fail at once."""
        try:
            yield
        except BaseException:
            if self.distributed and dist.is_initialized():
                dist.destroy_process_group()
            raise

    @contextmanager
    def _reproducible(self) -> Iterator[None]:
        """Number of threads and source of dropout masks as the settings say, whatever else this process does."""
        on_cpu = self.device.type == "cpu"
        threads = torch_threads(self.hyperparameters.learner_threads) if on_cpu else nullcontext()
        devices = [] if on_cpu else [self.device]
        with threads, torch.random.fork_rng(devices=devices):
            yield

    @property
    def _dropout_generator(self) -> torch.Generator:
        """What dropout draws from. Seeding it costs a microsecond, ``torch.manual_seed`` half a millisecond."""
        if self.device.type == "cpu":
            return torch.default_generator
        return torch.cuda.default_generators[self.device.index or 0]

    def _check_finite(self) -> None:
        names = list(self._sums)
        finite = torch.stack([self._sums[name][0] for name in names]).isfinite().tolist() if names else []
        broken = [name for name, good in zip(names, finite, strict=True) if not good]
        if broken := broken or self._infinite_weights():
            raise Diverged(
                f"{', '.join(broken)} became NaN or infinite after {self.updater.actor_updates} actor updates. "
                "Try a smaller learning_rate, critic_learning_rate or rl_coefficient, or critic_layer_norm=true."
            )

    def _infinite_weights(self) -> list[str]:
        """Networks with weights that are NaN or infinite; a ReLU can hide that from all metrics."""
        names, weights = zip(*self.networks_module.networks.named_parameters(), strict=True)
        finite = torch.stack([weight.detach().sum() for weight in weights]).isfinite().tolist()
        broken = [name.split(".")[0] for name, good in zip(names, finite, strict=True) if not good]
        return [f"weights of {network}" for network in dict.fromkeys(broken)]

    def _torch_seed(self, stream: Stream, *counters: int) -> int:
        return torch_seed(self.config.seed or 0, stream, self.updates, *counters)

    def _sample(self, source: Replay | ValuedReplay, stream: Stream) -> SegmentBatch:
        """This learner's rows of the global batch."""
        size, world, rank = self.hyperparameters.batch_size, self._world, self.rank
        starts = source.draw(generator(self.config.seed or 0, stream, self.updates), size)
        if world == 1:
            return source.gather(starts)
        share = starts[rank * size // world : (rank + 1) * size // world]
        return source.gather(share, real_count=source.real_positions(starts) / world)

    def _noise(self) -> Any:
        """Standard normal draws of an update; each learner takes its rows of the global batch's draw."""
        source = torch.Generator(self.device).manual_seed(self._torch_seed(Stream.TARGET_NOISE))

        def draw(shape: torch.Size) -> Tensor:
            rows = shape[0]
            whole = torch.randn((rows * self._world, *shape[1:]), generator=source, device=self.device)
            return whole[rows * self.rank : rows * (self.rank + 1)]

        return draw

    def _mean_metrics(self) -> dict[str, float]:
        if not self._sums:
            return {}
        values = torch.stack([(total / count).float() for total, count in self._sums.values()])
        self._average_over_learners([values])
        return dict(zip(self._sums, values.tolist(), strict=True))

    def policy_weights(self) -> PolicyWeights:
        """Weights that env runners need."""
        return self.networks_module.policy_weights()

    def digest(self) -> str:
        """SHA-256 over all parameters and buffers: equal on learners that are in step."""
        state = self.networks_module.state_dict()
        return hashlib.sha256(
            b"".join(state[name].detach().cpu().contiguous().numpy().tobytes() for name in sorted(state))
        ).hexdigest()

    def checkpoint(self) -> tuple[Tensors, Tensors, dict[str, Any]]:
        """Everything that a later learner needs besides the offline data.

        Returns:
            Tensors of the module and the optimizers, arrays of the replay, and counters.
        """
        counters = state_counters(self.updater) | {"updates": self.updates, "online": self.online}
        return state_tensors(self.networks_module, self.updater), self.replay.state(), counters

    def restore(self, tensors: Tensors, replay: Tensors, counters: dict[str, Any]) -> None:
        """Takes the state that `checkpoint` gave.

        Raises:
            RunError: If the checkpoint belongs to networks of other shapes.
        """
        load_state(self.networks_module, self.updater, tensors, counters)
        self._staged, self._group_updater, self._rl_buffer, self._sums = [], None, None, {}
        if self.online:
            self.load_offline_data()  # a replay that has been overwritten has lost part of it
        self.replay.load_state(replay)
        self.updates, self.online = counters["updates"], counters["online"]
