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
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# How many runs are read with pandas too.
COMPARED = 100

# Functions by the module that calls them, and what they do.
_READING = {
    ("loading", "find_folders"): "find the folders",
    ("loading", "changed_files"): "read files, check digests",
    ("loading", "read_evaluations"): "evaluations",
    ("loading", "_run_row"): "settings",
    ("loading", "_last_metrics"): "last line of metrics",
}
_WHOLE = {
    ("report.build", "read"): "reading",
    ("report.data", "run_scores"): "scores",
    ("report.data", "protocol"): "protocol",
    ("report.data", "learning_curves"): "learning curves",
    ("report.data", "summarize"): "aggregates",
    ("report.data", "aggregate"): "aggregates",
    ("report.data", "compare"): "comparisons",
    ("report.data", "headlines"): "verdicts",
    ("report.sections", "sentences"): "verdicts",
    ("report.data", "improvement"): "probability of improvement",
    ("report.data", "profiles"): "performance profiles",
    ("report.data", "efficiency"): "efficiency",
    ("report.build", "make_page"): "tables and texts",
    ("report.build", "_draw"): "pictures",
    ("report.build", "_write_page"): "HTML page",
    ("report.build", "_write"): "CSV, Markdown",
}
_REST = "rest"


class _Clock:
    """CPU seconds of functions, less those that others among them take."""

    def __init__(self, parts: Mapping[tuple[str, str], str]) -> None:
        self.spent = dict.fromkeys((*parts.values(), _REST), 0.0)
        self._running = [_REST]
        for (place, name), part in parts.items():
            module = import_module(f"vitamin.analysis.{place}")
            setattr(module, name, self._timed(getattr(module, name), part))
        self.imports = self._since = time.process_time()

    def stop(self) -> None:
        """Counts the time until now."""
        now = time.process_time()
        self.spent[self._running[-1]] += now - self._since
        self._since = now

    def _timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(function)
        def measured(*arguments: Any, **options: Any) -> Any:
            self.stop()
            self._running.append(part)
            try:
                return function(*arguments, **options)
            finally:
                self.stop()
                self._running.pop()

        return measured


def measure_reading(folder: Path) -> dict[str, Any]:
    """CPU seconds of ``load_results``, of its parts, and of reading some of the runs with pandas."""
    from vitamin.analysis.results import load_results

    clock = _Clock(_READING)
    results = load_results(folder)
    clock.stop()
    memory = _peak_memory()
    start = time.process_time()
    runs = list(results.infos)[:COMPARED]
    means = pd.concat([_with_pandas(folder / run / "evaluations.csv").assign(run=run) for run in runs])
    pandas = (time.process_time() - start) / len(runs)
    ours = results.evaluations[: len(means)]
    worst = np.abs(ours["normalized_score"].to_numpy() - means["normalized_score"].to_numpy()).max()
    assert worst < 1e-9, worst
    return {"parts": clock.spent, "import": clock.imports, "memory": memory, "pandas, a run": pandas}


def measure_whole(folder: Path) -> dict[str, Any]:
    """CPU seconds of a report, of its parts, and the size of its page."""
    import vitamin.analysis.page.render
    import vitamin.analysis.plots  # noqa: F401 (imports are not the report's time)
    from vitamin.analysis.report import build

    clock = _Clock(_WHOLE)
    with tempfile.TemporaryDirectory() as name:
        report = build.build_report(folder, out=Path(name) / "report")
        clock.stop()
        sizes = {file.name: file.stat().st_size / 1e6 for file in report.files}
    measured = {"parts": clock.spent, "import": clock.imports, "memory": _peak_memory()}
    return {**measured, "sizes": sizes}


def _with_pandas(file: Path) -> pd.DataFrame:
    """The means of a run's evaluations, as they were read before: by pandas, episode by episode."""
    episodes = pd.read_csv(io.BytesIO(file.read_bytes()), float_precision="round_trip")
    return episodes.groupby("iteration", as_index=False)[["return", "normalized_score"]].mean()


def _in_new_process(part: str, folder: Path) -> dict[str, Any]:
    """The time and memory that a part takes in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.report", "--measure", part, str(folder)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
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
    parser.add_argument(
        "--swept", type=int, default=0, help="number of values of a setting, instead of several methods"
    )
    parser.add_argument("--whole", action="store_true", help="the whole report too")
    parser.add_argument("--measure", nargs=2, metavar=("PART", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        part, folder = options.measure
        print(json.dumps({"reading": measure_reading, "whole": measure_whole}[part](Path(folder))))
        return
    from benchmarks.run_folders import make_runs

    print(
        f"{options.runs} runs of {options.evaluations} evaluations with {options.episodes} episodes, CPU time"
    )
    with tempfile.TemporaryDirectory() as name:
        make_runs(Path(name), options.runs, options.evaluations, options.episodes, options.swept)
        _print("Reading", _in_new_process("reading", Path(name)), options.runs)
        if options.whole:
            _print("Report", _in_new_process("whole", Path(name)), options.runs)


def _print(title: str, measured: dict[str, Any], runs: int) -> None:
    """The share of each part, and the rest that was measured."""
    from benchmarks.machine import table_lines

    total = sum(measured["parts"].values())
    rows = [
        (part, f"{seconds:.2f}", f"{1000 * seconds / runs:.2f}", f"{100 * seconds / total:.0f} %")
        for part, seconds in [*measured["parts"].items(), ("all", total)]
    ]
    print(f"\n{title}\n")
    print("\n".join(table_lines(("part", "s", "ms a run", "share"), rows)))
    print(f"\nimports {measured['import']:.1f} s, peak memory of the process {measured['memory']:.0f} MiB")
    if "pandas, a run" in measured:
        print(f"evaluations by pandas: {1000 * measured['pandas, a run']:.2f} ms a run")
    if "sizes" in measured:
        largest = sorted(measured["sizes"].items(), key=lambda item: -item[1])[:8]
        print(", ".join(f"{name} {size:.1f} MB" for name, size in largest))


if __name__ == "__main__":
    main()
