"""Sweeps: from a YAML specification to trials that Ray Tune runs, each a run folder."""

from vitamin.platform.sweeps.execution import read_data, run_sweep
from vitamin.platform.sweeps.folder import SweepFolder, check_paths
from vitamin.platform.sweeps.plan import Plan, Trial, make_plan
from vitamin.platform.sweeps.progress import SweepProgress, SweepReporter, TrialProgress, TrialStatus
from vitamin.platform.sweeps.resources import total, trial_resources
from vitamin.platform.sweeps.spec import SweepSpec, find_spec, read_spec, shipped_specs

__all__ = [
    "Plan",
    "SweepFolder",
    "SweepProgress",
    "SweepReporter",
    "SweepSpec",
    "Trial",
    "TrialProgress",
    "TrialStatus",
    "check_paths",
    "find_spec",
    "make_plan",
    "read_data",
    "read_spec",
    "run_sweep",
    "shipped_specs",
    "total",
    "trial_resources",
]
