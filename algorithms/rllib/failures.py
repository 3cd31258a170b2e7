"""Failures of learners that wait for each other."""

from vitamin.errors import WorkerFailure

LEARNER_DIED = (
    "A learner died (often: out of memory, or its node was lost). Learners hold the replay and are not restarted "
    "within a run; resume it from its last checkpoint with --resume."
)


class PeerLost(WorkerFailure):
    """A learner waited in a collective for another one that failed or died; the other one knows why."""
