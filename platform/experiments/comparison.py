"""Whether two specifications lead to the same result, and two machines to the same bits."""

from collections.abc import Collection

from vitamin.analysis.schema import RunInfo
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.versions import machine, versions

# Of no influence on the result, or looked at elsewhere: the data's digest decides, the resolved hyperparameters do, and
# learners decide over its last bits alone.
_FREE_TO_DIFFER = frozenset(
    {
        "num_env_runners",
        "num_learners",
        "num_gpus_per_learner",
        "checkpoint_interval",
        "data",
        "preset",
        "hyperparameters",
    }
)
# Hyperparameters that decide over last bits alone.
_THREADS = frozenset({"learner_threads", "rollout_threads"})


def differences(
    started: ExperimentSpec, spec: ExperimentSpec, *, open_to_data: Collection[str] = ()
) -> list[str]:
    """The settings by which two runs differ, as "name: old → new".

    More online steps continue a run, unless they stretch a curriculum. Settings that are still ``open_to_data`` in
    ``spec`` are not compared.
    """
    old, new = started.resolved(), spec.resolved()
    different = [name for name in new if name not in _FREE_TO_DIFFER and old[name] != new[name]]
    changes = [f"{name}: {old[name]!r} → {new[name]!r}" for name in different]
    settings = old["hyperparameters"]
    has_curriculum = settings["jump_start_steps"] > 0 or settings["curriculum_target_return"] is not None
    free = {*_THREADS, *open_to_data} | (set() if has_curriculum else {"online_steps"})
    return changes + [
        f"{name}: {settings[name]!r} → {value!r}"
        for name, value in new["hyperparameters"].items()
        if name not in free and settings[name] != value
    ]


def change_of_bits(before: RunInfo, started: ExperimentSpec, spec: ExperimentSpec) -> str | None:
    """A sentence on what gives other bits now than in the run's earlier part; None if nothing does.

    Args:
        before: What the run's earlier part wrote down of its machine and versions.
        started: What that part was asked for.
        spec: What is asked for now.
    """
    found = [("", _learners(started), _learners(spec))]
    if before.machine is not None:
        here = machine(spec.hyperparameters()).model_dump()
        found += [(f"{name} ", old, here[name]) for name, old in before.machine.model_dump().items()]
    now = versions()
    found += [(f"{name} ", old, now[name]) for name, old in before.versions.items() if name in now]
    changes = [f"{name}{new} instead of {old}" for name, old, new in found if new != old]
    if not changes:
        return None
    return f"{', '.join(changes)}: the result is as good, but not the same bit for bit."


def _learners(spec: ExperimentSpec) -> str:
    """The learners, as far as bits depend on them: the driver learns as one remote learner does."""
    count = max(1, spec.num_learners)
    return f"{count} {'GPU' if spec.num_gpus_per_learner else 'CPU'} learner{'s' * (count > 1)}"
