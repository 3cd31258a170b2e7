"""The paper's motivating experiment (Fig. 1 and 2): one state, one step, and data that misses the optimum."""

from vitamin.algorithms.single_state.experiment import METHODS, Run, Settings, run
from vitamin.algorithms.single_state.problem import OPTIMUM, offline_actions, reward

__all__ = ["METHODS", "OPTIMUM", "Run", "Settings", "offline_actions", "reward", "run"]
