"""Keeping other libraries' notes to their users' developers off our users' terminal."""

import logging
import os
import warnings


def silence_libraries() -> None:
    """Hides deprecations and advice of Ray, RLlib and Gymnasium; their errors stay. Imports nothing heavy."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "RAY_ADDRESS" not in os.environ:
        # A private Ray listens on the loopback interface only; Ray reads this when it is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # Ray writes a page about each process that dies; runs and sweeps say it in a line.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "A worker died or was killed while executing")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"ray\b")
    # Importing Ray sets all these levels again but the last, whose logger gives advice on the API stack.
    logging.raiseExceptions = False  # nor a page about each record that cannot be printed
    for name in ("ray", "ray.rllib", "ray.tune", "ray.rllib.algorithms.algorithm_config"):
        logging.getLogger(name).setLevel(logging.ERROR)
