"""From the episodes of a run to its evaluations: their means, less those that cannot be relied on."""

from collections.abc import Container
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitamin.analysis.episode_rows import Rows, parse_rows, rows_of
from vitamin.analysis.lines import content_of, lost_evaluations, ranges, read_episodes, read_metrics
from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.run_settings import setting
from vitamin.analysis.schema import EVALUATIONS_FILE, METRICS_FILE, ReferenceScores, RunInfo
from vitamin.errors import RunError
from vitamin.scores import normalized_score

# Above, squares of returns may overflow.
_LARGE: Final = 1e150
# Runs that wrote all that they had to write; of others a kill may leave half a line.
_ENDED: Final = ("finished", "diverged")
# What all episodes of an evaluation have in common.
_SHARED: Final = ("phase", "env_steps", "gradient_updates", "target_return")


class Evaluations(NamedTuple):
    """The evaluations of a run.

    Attributes:
        columns: By iteration, (evaluations,) each: the columns of ``Results.evaluations`` but for ``run``; the phase as
            its number in ``episode_rows.PHASES``.
        rows: Their episodes.
        damages: A sentence on each thing that is wrong with the file; empty if it is sound.
        shortened: Whether the run's last evaluation may be lost.
    """

    columns: dict[str, NDArray[Any]]
    rows: Rows
    damages: tuple[str, ...] = ()
    shortened: bool = False


class _Kept(NamedTuple):
    """Rows that can be relied on, what is said of the others, and the last evaluation of which rows are lost."""

    rows: Rows
    damages: tuple[str, ...] = ()
    last_lost: float = -np.inf


def read_evaluations(run: RunFiles, info: RunInfo, changed: Container[str] = ()) -> Evaluations:
    """The evaluations in ``evaluations.csv``, less a torn last line; none if the run has not evaluated yet.

    Columns that an earlier version did not write are NaN. Where lines are damaged, or the file changed since the run
    wrote it, the sound rows are taken of those evaluations whose mean is that in ``metrics.jsonl``. An evaluation with
    an episode that is not finite is left out, and so is a last one that lacks episodes. A normalized score that is
    missing is computed from the run's reference scores, if it has them.

    Args:
        run: The files of the run folder.
        info: Its ``run.json``.
        changed: Names of its files that changed since the run wrote them.

    Raises:
        RunError: If the file cannot be read, or nothing of it is sound.
    """
    content = content_of(run, EVALUATIONS_FILE)
    rows = parse_rows(content) if EVALUATIONS_FILE not in changed else None
    kept = _Kept(rows) if rows is not None else _sound_rows(run, content, changed)
    rows, damages, last_lost = kept
    if info.reference_scores is not None:
        rows = _with_scores(rows, info.reference_scores)
    columns = _evaluations(rows)
    iteration = columns["iteration"]
    astray = _astray(rows, columns)
    torn = np.zeros_like(astray)
    if len(torn) and (whole := _missing_episodes(run, info, columns["episodes"])):
        torn[-1] = True
        what = f"the last evaluation, iteration {iteration[-1]}, is left out: it has"
        damages += (f"{EVALUATIONS_FILE}: {what} {columns['episodes'][-1]} of {whole} episodes.",)
    astray &= ~torn
    if astray.any():
        what = "evaluations left out, since they have an episode that is not finite or contradicts the others"
        damages += (f"{EVALUATIONS_FILE}: {what}: iterations {ranges(iteration[astray].tolist())}.",)
    left_out = astray | torn
    if left_out.any():
        last_lost = max(last_lost, iteration[left_out].max())
        rows = _selected(rows, np.repeat(~left_out, columns["episodes"]))
        columns = {name: values[~left_out] for name, values in columns.items()}
    if info.status in _ENDED and content and not content.endswith(b"\n"):
        damages += (f"{EVALUATIONS_FILE} ends in the midst of a line.",)
        if not _at_its_end(run, info, columns["env_steps"]):
            last_lost = np.inf
    shortened = bool(last_lost > columns["iteration"].max(initial=0))
    return Evaluations(columns, rows, damages, shortened)


def _sound_rows(run: RunFiles, content: bytes, changed: Container[str]) -> _Kept:
    """The rows that can be relied on of a file in which something is unusual, read line by line."""
    episodes, metrics = read_episodes(run), read_metrics(run)
    lost = {*lost_evaluations(metrics, episodes)}
    trusted = METRICS_FILE not in changed and bool(metrics.sound)
    if EVALUATIONS_FILE in changed and trusted:
        evaluated = {line.iteration for line in metrics.sound if line.evaluated}
        lost |= {line.iteration for line in episodes.sound} - evaluated
    sound = [line for line in episodes.sound if line.iteration not in lost]
    if content.count(b"\n") > 1 and not sound:
        raise RunError(f"{run.path(EVALUATIONS_FILE)} is damaged: none of its rows can be relied on.")
    damages = [episodes.damage] if episodes.damage else []
    if lost:
        damages.append(
            f"{EVALUATIONS_FILE}: evaluations left out, since {METRICS_FILE} has other means of them or none: "
            f"iterations {ranges(sorted(lost))}."
        )
    return _Kept(rows_of(sound), tuple(damages), max(lost, default=-np.inf) if trusted else np.inf)


def _with_scores(rows: Rows, reference: ReferenceScores) -> Rows:
    """The rows with the normalized scores that are missing."""
    scores = rows["normalized_score"]
    missing = np.isnan(scores)
    if not missing.any() or reference.min == reference.max:
        return rows
    with np.errstate(over="ignore", invalid="ignore"):
        computed = normalized_score(rows["return"], reference.min, reference.max)
    return {**rows, "normalized_score": np.where(missing, computed, scores)}


def _evaluations(rows: Rows) -> dict[str, NDArray[Any]]:
    """The mean over the episodes of each evaluation, and what they have in common."""
    starts = _starts(rows["iteration"])
    episodes = np.diff(np.append(starts, len(rows["iteration"])))
    mean = partial(_mean, starts=starts, episodes=episodes)
    first = {name: rows[name][starts] for name in ("iteration", *_SHARED)}
    with np.errstate(all="ignore"):
        returns = mean(rows["return"])
        return {
            "phase": first["phase"],
            "iteration": first["iteration"],
            "env_steps": first["env_steps"],
            "gradient_updates": first["gradient_updates"],
            "episodes": episodes,
            "target_return": first["target_return"],
            "return": returns,
            "return_std": _deviation(rows["return"], returns, starts, episodes),
            "length": mean(rows["length"]),
            "normalized_score": mean(rows["normalized_score"]),
            "success": mean(rows["success"]),
        }


def _starts(iteration: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first row of each evaluation."""
    return np.flatnonzero(np.append(True, iteration[1:] != iteration[:-1])[: len(iteration)])


def _mean(values: NDArray[Any], starts: NDArray[np.int64], episodes: NDArray[np.int64]) -> NDArray[Any]:
    if not len(starts):
        return np.zeros(0)
    return np.asarray(np.add.reduceat(values, starts, dtype=np.float64) / episodes)


def _deviation(
    returns: NDArray[Any], means: NDArray[Any], starts: NDArray[np.int64], episodes: NDArray[np.int64]
) -> NDArray[Any]:
    """Standard deviation over the episodes of each evaluation, as in ``metrics.jsonl`` (divided by their number)."""
    scale = max(1.0, np.abs(returns).max(initial=0.0) / _LARGE)  # else squares of huge returns overflow
    deviations = (returns - np.repeat(means, episodes)) / scale
    return np.asarray(np.sqrt(_mean(deviations * deviations, starts, episodes)) * scale)


def _astray(rows: Rows, columns: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Which evaluations have an episode that is not finite, or that is not of the same evaluation as the others."""
    astray = ~np.isfinite(columns["return"]) | np.isinf(columns["normalized_score"])
    same = rows["iteration"][1:] == rows["iteration"][:-1]
    apart = np.zeros_like(same)
    for name in _SHARED:
        values = rows[name]
        apart |= same & (values[1:] != values[:-1]) & (values[1:] == values[1:])
    if apart.any():
        astray |= np.isin(columns["iteration"], rows["iteration"][1:][apart])
    return np.asarray(astray)


def _missing_episodes(run: RunFiles, info: RunInfo, episodes: NDArray[np.int64]) -> int:
    """How many episodes the last evaluation should have, if it has fewer; else 0.

    As many as any other; of a finished run, whose last evaluation is known to be of its settings, as they ask for.
    """
    most = int(episodes[:-1].max(initial=0))
    if episodes[-1] >= most and len(episodes) > 1:
        return 0
    asked = setting(run, info, "eval_episodes")
    known = asked if isinstance(asked, int) else 0
    whole = known if info.status == "finished" and known > 0 else max(most, known)
    return whole if episodes[-1] < whole else 0


def _at_its_end(run: RunFiles, info: RunInfo, env_steps: NDArray[np.int64]) -> bool:
    """Whether there is an evaluation after all steps that the run was to take."""
    asked = setting(run, info, "online_steps") if info.online_steps is None else info.online_steps
    return isinstance(asked, int) and bool(env_steps.max(initial=0) >= asked)


def _selected(rows: Rows, which: NDArray[np.bool_]) -> Rows:
    return {name: values[which] for name, values in rows.items()}
