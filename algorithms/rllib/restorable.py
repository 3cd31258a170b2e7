"""Saving and restoring an algorithm: settings are those of who restores, everything else is the checkpoint's."""

import json
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TypeVar

import ray
from ray import cloudpickle
from ray.rllib.algorithms.algorithm import Algorithm

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.rllib.checkpoint import read_replay, read_state, read_tensors, write_checkpoint
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.training.schedule import Progress
from vitamin.errors import RunError
from vitamin.former_names import present_settings

T = TypeVar("T")

KEPT = {
    "networks": (
        "hidden_size",
        "num_layers",
        "num_heads",
        "return_conditioning",
        "timestep_embedding",
        "max_timestep",
        "critic_members",
        "critic_network",
        "critic_hidden_size",
        "critic_layer_norm",
        "latent_size",
    ),
    "steps in the replay": (
        "return_scale",
        "reward_divisor",
        "reward_shift",
        "reward_delay",
        "bootstrap_at_time_limit",
        "drop_worst_trajectory",
        "drop_trivial_trajectories",
        "amplify_constant_observations",
        "replay_capacity",
        "transition_capacity",
    ),
    "counters": ("pretrain_updates", "pretrain_updates_per_iteration"),
}
"""Settings that a checkpoint's content was made with, which therefore must be the same where it is restored."""

# RLlib's `Algorithm.from_checkpoint` looks for its own state file before it reads the class from the checkpoint.
_STATE_OF_RLLIB, _EMPTY_MSGPACK = "algorithm_state.msgpack", b"\x80"


class RestorableAlgorithm(Algorithm):
    """The half of `OfflineToOnline` that is RLlib's `Checkpointable`."""

    config: OfflineToOnlineConfig
    hyperparameters: Hyperparameters
    progress: Progress
    _last_evaluation: dict[str, float]

    @abstractmethod
    def call_learners(self, function: Callable[[ReplayLearner], T]) -> list[T]:
        """Calls ``function`` on every learner."""

    @abstractmethod
    def _publish_weights(self) -> None:
        """Hands the policy's weights to the env runners."""

    def _identity(self) -> dict[str, Any]:
        """Names and values that a checkpoint must share with the algorithm that takes it."""
        return {"task": self.config.env, "method": self.config.method}

    def get_state(
        self, components: Any = None, *, not_components: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """The whole state, as `checkpoint.py` writes it: ``tensors``, ``replay``, and ``state`` for JSON.

        Arguments are RLlib's and not looked at: a state has no parts that mean something alone.
        """
        # Only the first learner's state is needed: they are in step.
        first = self.call_learners(lambda learner: learner.checkpoint() if learner.rank == 0 else None)
        tensors, replay, counters = next(answer for answer in first if answer is not None)
        state = self._identity() | {
            "hyperparameters": self.hyperparameters.model_dump(mode="json"),
            "progress": asdict(self.progress),
            "learner": counters,
            "last_evaluation": self._last_evaluation,
        }
        return {"tensors": tensors, "replay": replay, "state": state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes what `get_state` gave; training goes on bit for bit as if it had not stopped.

        Settings stay this algorithm's: only what was learned and counted is taken.

        Raises:
            RunError: If it is of another task, method or other networks, or was made with other settings of `KEPT`.
        """
        self._check_state(state["state"])
        # One copy in the object store for all learners; a local learner takes the arrays as they are.
        loaded: Any = (state["tensors"], state["replay"])
        counters = state["state"]["learner"]
        if self.config.num_learners:
            loaded = ray.put(loaded)

        def restore(learner: ReplayLearner) -> None:
            tensors, replay = ray.get(loaded) if isinstance(loaded, ray.ObjectRef) else loaded
            learner.restore(tensors, replay, counters)

        self.call_learners(restore)
        self.progress = Progress(**state["state"]["progress"])
        self._last_evaluation = state["state"].get("last_evaluation", {})
        self._iteration = self.progress.iteration
        self._publish_weights()

    def _check_state(self, state: dict[str, Any]) -> None:
        for name, own in self._identity().items():
            if state.get(name) != own:
                raise RunError(f"This is a checkpoint of the {name} {state.get(name)}, not of {own}.")
        before = present_settings(state.get("hyperparameters", {}))
        now = self.hyperparameters.model_dump(mode="json")
        for what, names in KEPT.items():
            for name in names:
                if name in before and before[name] != now[name]:
                    raise RunError(
                        f"The checkpoint's {what} were made with {name} {before[name]}, not {now[name]}: it cannot "
                        "change when a checkpoint is restored."
                    )

    def save_to_path(
        self,
        path: str | Path | None = None,
        *,
        state: dict[str, Any] | None = None,
        filesystem: Any = None,
        use_msgpack: bool = False,
    ) -> str:
        """Writes a checkpoint: weights, optimizers, online replay, counters; see `checkpoint.py` for the files.

        ``class_and_ctor_args.pkl`` is there for ``from_checkpoint`` only, which is RLlib's and unpickles it: use that
        on your own files. ``restore_from_path`` reads no pickle.

        Args:
            path: A local folder; None for a temporary one.
            state: What to write, instead of `get_state`.
            filesystem: RLlib's; none but the local one.
            use_msgpack: RLlib's; makes no difference.

        Raises:
            RunError: If a file cannot be written.
        """
        folder = Path(tempfile.mkdtemp()) if path is None else _local(path, filesystem)
        folder.mkdir(parents=True, exist_ok=True)
        content = self.get_state() if state is None else state
        write_checkpoint(folder, content["tensors"], content["replay"], content["state"])
        (folder / self.METADATA_FILE_NAME).write_text(
            json.dumps(self.get_metadata() | {"checkpoint_version": "2.1"}), encoding="utf-8"
        )
        (folder / _STATE_OF_RLLIB).write_bytes(_EMPTY_MSGPACK)
        with (folder / self.CLASS_AND_CTOR_ARGS_FILE_NAME).open("wb") as file:
            cloudpickle.dump(
                {"class": type(self), "ctor_args_and_kwargs": self.get_ctor_args_and_kwargs()}, file
            )
        return str(folder)

    def restore_from_path(
        self, path: str | Path, *, component: str | None = None, filesystem: Any = None, **kwargs: Any
    ) -> None:
        """Takes the state of a checkpoint, as `set_state`.

        Raises:
            RunError: If the checkpoint is damaged, is not in a local folder, or does not fit, as `set_state` says.
        """
        folder = _local(path, filesystem)
        if component is not None:
            raise RunError(f"A checkpoint is restored as a whole, not its component {component!r} alone.")
        state = read_state(folder, to_continue=True)
        self.set_state({"tensors": read_tensors(folder), "replay": read_replay(folder), "state": state})

    @classmethod
    def from_checkpoint(cls, path: Any, *args: Any, **kwargs: Any) -> Self:
        """Builds an algorithm from a checkpoint of your own: this unpickles its config.

        ``ray.rllib.algorithms.algorithm.Algorithm.from_checkpoint`` does so too, and finds the class itself.
        """
        where = path if hasattr(path, "to_directory") or "://" in str(path) else str(Path(path).resolve())
        algorithm: Any = super().from_checkpoint(where, *args, **kwargs)
        return algorithm  # type: ignore[no-any-return]


def _local(path: str | Path, filesystem: Any) -> Path:
    text = str(path).removeprefix("file://")
    if "://" in text or getattr(filesystem, "type_name", "local") != "local":
        raise RunError(
            f"{path} is not in a local folder: copy checkpoints to and from it with your storage's tools."
        )
    return Path(text)
