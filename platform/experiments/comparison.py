"""Whether two specifications lead to the same result."""

from vitamin.platform.experiments.spec import ExperimentSpec

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


def differences(started: ExperimentSpec, spec: ExperimentSpec) -> list[str]:
    """What makes two runs different ones, as "name: old → new".

    More online steps continue a run, unless they stretch a curriculum.
    """
    old, new = started.resolved(), spec.resolved()
    different = [name for name in new if name not in _FREE_TO_DIFFER and old[name] != new[name]]
    changes = [f"{name}: {old[name]!r} → {new[name]!r}" for name in different]
    settings = old["hyperparameters"]
    has_curriculum = settings["jump_start_steps"] > 0 or settings["curriculum_target_return"] is not None
    return changes + [
        f"{name}: {settings[name]!r} → {value!r}"
        for name, value in new["hyperparameters"].items()
        if (name != "online_steps" or has_curriculum) and settings[name] != value
    ]


def change_of_learners(started: ExperimentSpec, spec: ExperimentSpec) -> str | None:
    """A sentence on learners that give other bits than those before; None if they give the same."""
    before, now = _learners(started), _learners(spec)
    if before == now:
        return None
    return f"{now} instead of {before}: the result is as good, but not the same bit for bit."


def _learners(spec: ExperimentSpec) -> str:
    """The learners, as far as bits depend on them: the driver learns as one remote learner does."""
    count = max(1, spec.num_learners)
    return f"{count} {'GPU' if spec.num_gpus_per_learner else 'CPU'} learner{'s' * (count > 1)}"
