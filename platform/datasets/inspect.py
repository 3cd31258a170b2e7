"""A report on a dataset: how many trajectories, how good, how long, how stored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitamin.platform.datasets.hdf5 import read_attributes
from vitamin.platform.datasets.loading import examine_dataset
from vitamin.platform.datasets.provenance import LAYOUT_ATTRIBUTE, MINARI_ATTRIBUTE, dataset_label
from vitamin.platform.tasks.minari import family_of
from vitamin.platform.tasks.task import Task


@dataclass(frozen=True)
class Distribution:
    """Five-number summary, mean and histogram of one number per trajectory.

    Attributes:
        counts: Trajectories in each bin.
        edges: Bounds of the bins, one more than ``counts``.
    """

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    mean: float
    counts: tuple[int, ...]
    edges: tuple[float, ...]

    @staticmethod
    def of(values: NDArray[np.float64], bins: int = 10) -> "Distribution":
        """The distribution of ``values`` (E,), E at least 1; a single bin if all are equal."""
        counts, edges = np.histogram(values, bins if np.ptp(values) > 0 else 1)
        low, lower, middle, upper, high = map(float, np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
        return Distribution(
            minimum=low,
            lower_quartile=lower,
            median=middle,
            upper_quartile=upper,
            maximum=high,
            mean=float(values.mean()),
            counts=tuple(counts.tolist()),
            edges=tuple(edges.tolist()),
        )


@dataclass(frozen=True)
class DatasetReport:
    """The findings of `inspect_dataset`.

    Attributes:
        path: The file.
        size_bytes: Its size.
        label: What kind of file it is: published, a stand-in, the user's own.
        trajectories: E, finished ones.
        steps: N, of finished trajectories.
        dropped_steps: Steps that belong to no finished trajectory.
        terminated: Trajectories that end in a terminal; the others were cut off.
        observation_size: S.
        action_size: A.
        returns: Undiscounted return of each trajectory.
        lengths: Steps of each trajectory.
        normalized_mean: Normalized score of the mean return; None without a task or its reference scores.
        normalized_best: Normalized score of the best return.
        dtypes: How each array is stored.
        quirks: What is unusual about the file.
        notes: What whoever trains on it should know.
        warnings: What speaks against its being sound, or the task's data.
        refusal: Why nothing can be learned from it; None if something can.
        known_quirks: What the registry says of the published file.
    """

    path: Path
    size_bytes: int
    label: str | None
    trajectories: int
    steps: int
    dropped_steps: int
    terminated: int
    observation_size: int
    action_size: int
    returns: Distribution
    lengths: Distribution
    normalized_mean: float | None
    normalized_best: float | None
    dtypes: dict[str, str]
    quirks: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    refusal: str | None
    known_quirks: tuple[str, ...]


def inspect_dataset(path: Path, task: Task | None = None) -> DatasetReport:
    """Read and check ``path``, for ``task`` if given, and describe it.

    Raises:
        DatasetError: As `load_dataset`, but for ends that are not marked: the report says so.
    """
    dataset = examine_dataset(path, task)
    trajectories = dataset.trajectories
    returns = Distribution.of(trajectories.returns)
    return DatasetReport(
        path=path,
        size_bytes=path.stat().st_size,
        label=dataset_label(path),
        trajectories=len(trajectories),
        steps=trajectories.num_steps,
        dropped_steps=dataset.dropped_steps,
        terminated=int(trajectories.terminals[trajectories.offsets[1:] - 1].sum()),
        observation_size=trajectories.observations.shape[1],
        action_size=trajectories.actions.shape[1],
        returns=returns,
        lengths=Distribution.of(trajectories.lengths.astype(np.float64)),
        normalized_mean=task.normalized_score(returns.mean) if task else None,
        normalized_best=task.normalized_score(returns.maximum) if task else None,
        dtypes=dataset.dtypes,
        quirks=dataset.quirks + _origin_quirks(path, task),
        notes=dataset.notes,
        warnings=dataset.warnings,
        refusal=dataset.refusal,
        known_quirks=task.quirks if task else (),
    )


def _origin_quirks(path: Path, task: Task | None) -> tuple[str, ...]:
    """Notes from the file's attributes on a Minari dataset behind it; for a task some are warnings."""
    attributes = read_attributes(path)
    family = family_of(attributes.get(MINARI_ATTRIBUTE, ""))
    layout = attributes.get(LAYOUT_ATTRIBUTE)
    found = []
    if layout:
        found.append(f"observations are a dictionary's parts in Gymnasium's flat order: {layout}")
    if family is not None and task is None:
        found.append(f"not D4RL's data: {family.reason}")
    return tuple(found)
