"""Whether a file's terminals and timeouts are where its episodes end, as far as its other arrays can tell.

Converters lose ends in many ways: timeouts that are all zero, flags one row off, of another file, inverted, or a
timeout's step left out as by ``d4rl.qlearning_dataset``. Episodes then run across resets, and their returns, and every
setting that follows from those, are of several episodes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations, as_observations, moments
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.datasets.wording import count
from vitamin.platform.tasks.task import EpisodeEnds, Task

_SAME = 1e-5
_ROUNDING = 4
_RESET = 0.1
_SOME = 0.1
_MOST = 0.5
_HOPELESS = 0.75
_NEARLY_ALL = 0.9
_MANY_TIMES = 10
_FEW_EPISODES = 5
_ROWS_AT_A_TIME = 1 << 16


@dataclass(frozen=True)
class EndsReport:
    """Findings about the ends of a file's episodes.

    Attributes:
        breaks: Steps inside an episode whose next observation is not the following row.
        warnings: What makes it likely that ends are lost or in wrong places, a sentence each.
        refusal: Why nothing can be learned from the file's episodes; None if something can.
    """

    breaks: int = 0
    warnings: tuple[str, ...] = ()
    refusal: str | None = None


def check_ends(raw: RawDataset, trajectories: Trajectories, task: Task | None, *, stated: bool) -> EndsReport:
    """Compares the episodes with next observations, with the environment's limit, and with how observations move.

    Args:
        raw: The file's arrays.
        trajectories: The episodes that were cut from them.
        task: What the file is for, if that is known.
        stated: Whether the file says that it was collected in the task's environment. Its flags are believed then
            where an environment may have such episodes.
    """
    ends: EpisodeEnds = task.episode_ends if task else "flags"
    pieces = _pieces(trajectories.offsets, len(raw.rewards)) if ends == "flags" else trajectories.offsets
    crossing = _Crossings.of(raw, pieces) if ends == "flags" else None
    refusals: list[str] = []
    warnings: list[str] = []
    if crossing is not None:
        (refusals if crossing.hopeless else warnings).extend(crossing.sentences())
    if task is not None and ends != "jumps":  # which see no reset to a place nearby
        refused, warned = _against_limit(np.diff(pieces), task, crossing)
        refusals += refused
        warnings += warned
    if not stated and task is not None and ends == "flags":
        warnings += [*_flags_of_limits(trajectories, task), *_single_steps(trajectories, task)]
    if ends == "flags" and not (task and task.may_exceed_limit):
        warnings += _misplaced(raw, trajectories.offsets)
    return EndsReport(
        breaks=crossing.breaks if crossing is not None else 0,
        warnings=tuple(warnings),
        refusal=f"{'; '.join(refusals)}. {_advice(raw)}" if refusals else None,
    )


def _advice(raw: RawDataset) -> str:
    seen = "" if raw.next_observations is None else ", where next_observations[i] is not observations[i + 1]"
    return f"Set timeouts (or terminals) at the last step of each episode{seen}."


def _pieces(offsets: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """Where episodes begin and end, the unfinished last one included."""
    return offsets if offsets[-1] == steps else np.append(offsets, steps)


@dataclass(frozen=True)
class _Crossings:
    """Steps inside episodes after which the rows go on elsewhere.

    Attributes:
        breaks: Steps whose next observation is not the following row.
        broken: Which of the E episodes have such a step, (E,).
        reset: Which have one where the rows go on far from it, as after a reset, (E,).
        first: The first of these steps.
    """

    breaks: int
    broken: NDArray[np.bool_]
    reset: NDArray[np.bool_]
    first: int

    @staticmethod
    def of(raw: RawDataset, pieces: NDArray[np.int64]) -> "_Crossings | None":
        """Statistics of the next observations; None if there are none."""
        if raw.next_observations is None:
            return None
        inside = np.ones(max(len(raw.observations) - 1, 0), bool)
        inside[pieces[1:-1] - 1] = False
        before, after = raw.next_observations[:-1], raw.observations[1:]
        steps = np.flatnonzero((before != after).any(axis=1) & inside)
        away = _distances(before[steps], after[steps])
        apart = (away > _tolerance(raw)).any(axis=1)
        steps, away = steps[apart], away[apart]
        broken, reset = np.zeros(len(pieces) - 1, bool), np.zeros(len(pieces) - 1, bool)
        if len(steps):
            far = (away > _RESET * moments(as_observations(raw.observations))[1]).any(axis=1)
            episodes = np.searchsorted(pieces, steps, side="right") - 1
            broken[episodes], reset[episodes[far]] = True, True
        return _Crossings(len(steps), broken, reset, int(steps[0]) if len(steps) else 0)

    @property
    def hopeless(self) -> bool:
        """Whether most episodes are pieces of several."""
        return bool(np.mean(self.reset) > _HOPELESS)

    def sentences(self) -> Iterator[str]:
        """Sentences about what is wrong, if it is so in more than some episodes."""
        if np.mean(self.broken) <= _SOME:
            return
        across = (
            "run across a reset" if self.hopeless else "run across a reset, or hold other rows than they say"
        )
        yield (
            f"{np.count_nonzero(self.broken)} of {count(len(self.broken), 'episode')} {across}: the next observation"
            f" of {count(self.breaks, 'step')} inside them, of step {self.first} first, is not the following row"
        )


def _tolerance(raw: RawDataset) -> NDArray[np.float64]:
    """How far equal observations may be from each other in each component, (S,)."""
    assert raw.next_observations is not None
    parts = [as_observations(part[:0]).dtype for part in (raw.observations, raw.next_observations)]
    coarsest = max(np.finfo(dtype).eps for dtype in parts)
    low, high = raw.observations.min(axis=0), raw.observations.max(axis=0)
    magnitude = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    return np.asarray(_SAME + _ROUNDING * coarsest * magnitude)


def _distances(left: NDArray[np.generic], right: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.abs(left.astype(np.float64) - right.astype(np.float64))


def _against_limit(
    lengths: NDArray[np.int64], task: Task, crossing: _Crossings | None
) -> tuple[list[str], list[str]]:
    """Refusals and warnings about episodes that last longer than the environment lets them."""
    limit = task.max_episode_steps
    if limit is None:
        return [], []
    spliced = np.ones(len(lengths), bool) if crossing is None else crossing.reset
    endless = (lengths > _MANY_TIMES * limit) & spliced
    bound = task.episode_ends == "flags" and not task.may_exceed_limit
    longer = (lengths > limit + 1) & bound  # recorders that count from 0 are one off
    which = endless if endless.any() else longer
    if not which.any():
        return [], []
    shortest, longest = int(lengths[which].min()), int(lengths[which].max())
    span = f"{shortest} to {longest}" if shortest < longest else f"{longest}"
    sentence = (
        f"{count(int(which.sum()), 'episode')} of {span} steps, longer than the limit of {limit} steps of"
        f" {task.env_id}: ends that are not marked"
    )
    return ([sentence], []) if endless.any() else ([], [sentence])


def _flags_of_limits(trajectories: Trajectories, task: Task) -> Iterator[str]:
    """Of episodes that the time limit cut off, but that count as terminated."""
    limit = task.max_episode_steps
    if limit is None or limit == 1:
        return
    whole = trajectories.lengths == limit
    terminated = np.count_nonzero(trajectories.terminals[trajectories.offsets[1:] - 1] & whole)
    if terminated > 1 and terminated > _MOST * np.count_nonzero(whole):
        yield (
            f"{terminated} of the {count(int(whole.sum()), 'episode')} of exactly {limit} steps, the limit of"
            f" {task.env_id}, end in a terminal: are they timeouts? Nothing is bootstrapped after a terminal"
        )


def _single_steps(trajectories: Trajectories, task: Task) -> Iterator[str]:
    """Of flags that say the opposite, as masks do."""
    single = np.count_nonzero(trajectories.lengths == 1)
    if task.max_episode_steps != 1 and single > _FEW_EPISODES and single > _MOST * len(trajectories):
        yield (
            f"{single} of {count(len(trajectories), 'episode')} have a single step: are the flags inverted, 1 where an"
            " episode goes on?"
        )


def _misplaced(raw: RawDataset, offsets: NDArray[np.int64]) -> Iterator[str]:
    """Of marked ends at which the rows go on as inside an episode."""
    last = offsets[1:] - 1
    last = last[last < len(raw.observations) - 1]
    if len(last) < _FEW_EPISODES:
        return
    if raw.next_observations is None:
        yield from _shifted(raw.observations, last)
        return
    tolerance = _tolerance(raw)
    following, after = raw.next_observations[last], raw.observations[last + 1]
    goes_on = (_distances(following, after) <= tolerance).all(axis=1)
    moves = (_distances(raw.observations[last], after) > tolerance).any(axis=1)
    number = int(np.count_nonzero(goes_on & moves))
    if number > _MOST * len(last):
        yield (
            f"at {number} of {len(last)} ends the next observation is the following row, as inside an episode: are the"
            " flags in wrong rows, or next_observations taken from the following row?"
        )


def _shifted(observations: NDArray[np.generic], last: NDArray[np.int64]) -> Iterator[str]:
    """Of observations that jump a row before or after nearly all ends, but hardly ever at them."""
    strides = _strides(observations)
    inside = np.ones(len(strides), bool)
    for shift in (-1, 0, 1):
        inside[(last + shift).clip(0, len(strides) - 1)] = False
    if not inside.any():
        return
    usual = np.quantile(strides[inside], 0.99)
    jumps = {
        shift: float(np.mean(strides[(last + shift).clip(0, len(strides) - 1)] > usual))
        for shift in (-1, 0, 1)
    }
    for shift, where in ((-1, "before"), (1, "after")):
        if jumps[shift] >= _NEARLY_ALL and jumps[0] <= _SOME:
            yield f"the observations jump one row {where} the marked ends, not at them: are the flags one row off?"


def _strides(observations: NDArray[np.generic]) -> NDArray[np.float64]:
    """How far observations (N, S) move to the next row, in deviations of the component that moves most; (N - 1,)."""
    values: Observations = as_observations(observations)
    deviation = moments(values)[1]
    scale = np.where(deviation > 0, deviation, 1.0)
    parts = [
        (np.abs(np.diff(values[start : start + _ROWS_AT_A_TIME + 1].astype(np.float64), axis=0)) / scale).max(
            axis=1
        )
        for start in range(0, len(values) - 1, _ROWS_AT_A_TIME)
    ]
    return np.concatenate(parts)
