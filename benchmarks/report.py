"""CPU seconds and memory of reading and reporting on many runs: ``python -m benchmarks.report [--whole]``.

The goal is a report on ``--runs 10000 --evaluations 200 --episodes 10`` in 120 s and 2 GB, of which reading takes 40 s.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# How many runs are read with pandas too.
COMPARED = 100

_PARTS = {
    "find_folders": "find the folders",
    "changed_files": "read files, check digests",
    "read_evaluations": "evaluations",
    "_run_row": "settings",
    "_last_metrics": "last line of metrics",
}
_REST = "run.json, frames"


def measure_reading(folder: Path) -> dict[str, float]:
    """CPU seconds of ``load_results``, of its parts, and of reading some of the runs with pandas."""
    from vitamin.analysis import loading
    from vitamin.analysis.results import load_results

    spent = defaultdict[str, float](float, {"import": time.process_time()})

    def timed(function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(function)
        def measured(*arguments: Any, **options: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                spent[part] += time.process_time() - begun

        return measured

    for name, part in _PARTS.items():
        setattr(loading, name, timed(getattr(loading, name), part))
    start = time.process_time()
    results = load_results(folder)
    spent["reading"] = time.process_time() - start
    memory = _peak_memory()
    spent[_REST] = spent["reading"] - sum(spent[part] for part in _PARTS.values())
    start = time.process_time()
    runs = list(results.infos)[:COMPARED]
    means = pd.concat([_with_pandas(folder / run / "evaluations.csv").assign(run=run) for run in runs])
    spent["pandas, a run"] = (time.process_time() - start) / len(runs)
    ours = results.evaluations[: len(means)]
    worst = np.abs(ours["normalized_score"].to_numpy() - means["normalized_score"].to_numpy()).max()
    assert worst < 1e-9, worst
    return {**spent, "memory": memory}


def measure_whole(folder: Path) -> dict[str, float]:
    """CPU seconds of a report, all of it."""
    from vitamin.analysis.report import build_report

    start = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        build_report(folder, Path(name) / "report")
    return {"import": start, "report": time.process_time() - start, "memory": _peak_memory()}


def _with_pandas(file: Path) -> pd.DataFrame:
    """The means of a run's evaluations, as they were read before: by pandas, episode by episode."""
    episodes = pd.read_csv(io.BytesIO(file.read_bytes()), float_precision="round_trip")
    return episodes.groupby("iteration", as_index=False)[["return", "normalized_score"]].mean()


def _in_new_process(part: str, folder: Path) -> dict[str, float]:
    """What a part takes in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.report", "--measure", part, str(folder)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return measured


def _peak_memory() -> float:
    """Largest resident memory of this process so far, MiB.

    On Linux what ``getrusage`` says is at least that of the process that started this one, which has torch in it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Makes the runs, measures, and prints the share of each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--whole", action="store_true", help="the whole report too")
    parser.add_argument("--measure", nargs=2, metavar=("PART", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        part, folder = options.measure
        print(json.dumps({"reading": measure_reading, "whole": measure_whole}[part](Path(folder))))
        return
    from benchmarks.machine import table_lines
    from benchmarks.run_folders import make_runs

    print(
        f"Report on {options.runs} runs of {options.evaluations} evaluations with {options.episodes} episodes, "
        "CPU time\n"
    )
    with tempfile.TemporaryDirectory() as name:
        make_runs(Path(name), options.runs, options.evaluations, options.episodes)
        reading = _in_new_process("reading", Path(name))
        whole = _in_new_process("whole", Path(name)) if options.whole else {}
    total = whole.get("report", reading["reading"])
    parts = {part: reading[part] for part in (*_PARTS.values(), _REST)}
    if whole:
        parts["all else of the report"] = max(0.0, total - reading["reading"])
    rows = [
        (part, f"{seconds:.2f}", f"{1000 * seconds / options.runs:.2f}", f"{100 * seconds / total:.0f} %")
        for part, seconds in parts.items()
    ]
    rows.append(("all", f"{total:.2f}", f"{1000 * total / options.runs:.2f}", "100 %"))
    print("\n".join(table_lines(("part", "s", "ms a run", "share"), rows)))
    print(f"\nimports: {(whole or reading)['import']:.1f} s")
    print(f"evaluations by pandas: {1000 * reading['pandas, a run']:.2f} ms a run")
    print(f"peak memory of the process: reading {reading['memory']:.0f} MiB", end="")
    print(f", report {whole['memory']:.0f} MiB" if whole else "")


if __name__ == "__main__":
    main()
