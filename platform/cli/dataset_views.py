"""How datasets are shown on the command line."""

from collections.abc import Sequence
from pathlib import Path

from vitamin.analysis.folders import walk
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.cli.output import print_fields, print_table
from vitamin.platform.datasets import DatasetReport, cache_directory, cached_path, dataset_label
from vitamin.platform.datasets.inspect import Distribution
from vitamin.platform.datasets.provenance import FOUND, read_record
from vitamin.platform.tasks import Task, task_names

_BAR_WIDTH = 32
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SUMMARY_COLUMNS = ("", "min", "25 %", "median", "75 %", "max", "mean")


def print_report(report: DatasetReport) -> None:
    """Everything `vitamin data inspect` has to say about a file."""
    fields = [
        ("file", f"{report.path} ({_megabytes(report.size_bytes)}, {report.label or 'published file'})"),
        ("trajectories", f"{report.trajectories} finished, {report.terminated} by a terminal"),
        (
            "steps",
            f"{report.steps} in them" + (f", {report.dropped_steps} dropped" if report.dropped_steps else ""),
        ),
        ("observations", f"{report.observation_size} wide"),
        ("actions", f"{report.action_size} wide"),
        ("stored as", ", ".join(f"{name} {dtype}" for name, dtype in report.dtypes.items())),
    ]
    if report.normalized_mean is not None and report.normalized_best is not None:
        scores = (
            f"{report.normalized_mean:.1f} for the mean return, {report.normalized_best:.1f} for the best"
        )
        fields.append(("normalized score", scores))
    fields += _each("cannot be trained on", (report.refusal,) if report.refusal else ())
    fields += _each("warning", report.warnings)
    fields += _each("note", report.notes)
    fields += _each("quirk found", report.quirks)
    fields += _each("known of the published file", report.known_quirks)
    print_fields(f"Dataset {report.path.name}", fields)
    print_table(
        "Per trajectory",
        _SUMMARY_COLUMNS,
        [_summary("return", report.returns, 1), _summary("length", report.lengths, 0)],
    )
    for name, distribution, decimals in (("returns", report.returns, 1), ("lengths", report.lengths, 0)):
        print(f"Trajectories by {name}")
        for line in histogram_lines(distribution, decimals):
            print(line)


def print_cache() -> None:
    """The files in the cache, with their tasks and origins."""
    folder = cache_directory()
    tasks = {cached_path(get_task(name)): name for name in task_names()}
    problems: list[str] = []
    found = walk(folder, problems.append) if folder.is_dir() else ()
    files = sorted(below / name for below, _, names in found for name in names if name.endswith(".hdf5"))
    for problem in problems:
        print(problem)
    if not files:
        print(
            f"No datasets in {folder}. `vitamin data fetch TASK` or `vitamin data collect TASK` brings one."
        )
        return
    rows = [
        (
            tasks.get(file, "-"),
            str(file.relative_to(folder)),
            _megabytes(file.stat().st_size),
            _origin(file),
        )
        for file in files
    ]
    print_table(f"Datasets in {folder}", ("task", "file", "size", "origin"), rows)


def data_status(task: Task) -> str:
    """Whether a task's dataset is here, and if it is not the published file, what it is instead."""
    path = cached_path(task)
    if not path.is_file():
        return "to fetch" if task.dataset_url else "to collect"
    try:
        label = dataset_label(path)
    except DatasetError:
        return "damaged"
    return f"here ({label.partition(':')[0]})" if label else "here"


def histogram_lines(distribution: Distribution, decimals: int) -> list[str]:
    """A line for each bin: its range, a bar of block characters, its count."""
    edges = [f"{edge:.{decimals}f}" for edge in distribution.edges]
    width = max(map(len, edges))
    largest = max(distribution.counts)
    return [
        f"{low:>{width}} … {high:>{width}}  {_bar(count / largest):<{_BAR_WIDTH}}  {count}"
        for low, high, count in zip(edges[:-1], edges[1:], distribution.counts, strict=True)
    ]


def _bar(share: float) -> str:
    """A bar of ``share`` of the full width; anything above zero shows."""
    eighths = max(round(share * _BAR_WIDTH * 8), 1 if share else 0)
    whole, rest = divmod(eighths, 8)
    return _EIGHTHS[8] * whole + (_EIGHTHS[rest] if rest else "")


def _summary(name: str, values: Distribution, decimals: int) -> list[str]:
    numbers = (values.minimum, values.lower_quartile, values.median, values.upper_quartile, values.maximum)
    return [name, *(f"{number:.{decimals}f}" for number in numbers), f"{values.mean:.1f}"]


def _each(name: str, sentences: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, sentence) for sentence in sentences]


def _origin(file: Path) -> str:
    record = read_record(file)
    return record.origin if record is not None else FOUND


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
