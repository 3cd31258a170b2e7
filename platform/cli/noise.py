"""Keeping other libraries' notes to their users' developers off our users' terminal."""

import logging
import os
import warnings


def silence_libraries() -> None:
    """Hides deprecations and advice of Ray, RLlib and Gymnasium; their errors stay. Imports nothing heavy."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"ray\b")
    # Ray sets the levels of its upper loggers when it is imported, but not this one's: advice on the API stack.
    logging.getLogger("ray.rllib.algorithms.algorithm_config").setLevel(logging.ERROR)
