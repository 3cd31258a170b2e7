"""Where results come from: datasets, versions, commits, machines."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PureWindowsPath

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.schema import RunInfo
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.marks import explained, marked_if
from vitamin.analysis.tables.texts import count_text, sentences, whole

_FINGERPRINT_DIGITS = 12


def dataset_table(infos: Iterable[RunInfo]) -> TableBlock:
    """Each dataset on each task: file, fingerprint, size, label, and what speaks against its being sound."""
    used = Counter((info.task, info.dataset) for info in infos if info.dataset is not None)
    rows = []
    for (task, data), runs in sorted(used.items(), key=lambda item: (item[0][0], item[0][1].path)):
        fingerprint = data.fingerprint.rsplit(":", maxsplit=1)[-1]
        rows.append(
            (
                Cell(marked_if(task, data.label)),
                Cell(PureWindowsPath(data.path).name or data.path),
                Cell(fingerprint[:_FINGERPRINT_DIGITS], note=data.fingerprint),
                Cell(whole(data.trajectories), value=float(data.trajectories)),
                Cell(whole(data.steps), value=float(data.steps)),
                Cell(data.label or "the task's published dataset"),
                Cell(" ".join(data.doubts) or NOTHING),
                Cell(whole(runs), value=float(runs)),
            )
        )
    header = ("Task", "File", "Fingerprint", "Trajectories", "Steps", "Data", "Warnings", "Runs")
    places = {(task, data.label): data.label for task, data in used if data.label}
    caption = sentences(
        f"Fingerprints are digests of the files' content, their first {_FINGERPRINT_DIGITS} digits.",
        explained([row[0].text for row in rows], places),
    )
    return TableBlock("datasets", "Datasets", Table(header, tuple(rows)), caption)


def provenance_table(infos: Iterable[RunInfo]) -> TableBlock:
    """Versions of software, commits and machines, with the number of runs of each; several where runs differ."""
    known = tuple(infos)
    found: dict[str, Counter[str]] = {}

    def count(name: str, value: str | None) -> None:
        found.setdefault(name, Counter())[value or "unknown"] += 1

    for info in known:
        for name, version in info.versions.items():
            count(name, version)
        count("commit", info.commit)
        if info.host:  # exports name none
            count("machine", info.host)
        if info.machine is not None:
            count("CPU instructions", info.machine.cpu_capability)
            count("learner threads", str(info.machine.learner_threads))
            count("rollout threads", str(info.machine.rollout_threads))
    rows = tuple(
        (Cell(name), Cell(_values(values, len(known)), bold=len(values) > 1))
        for name, values in found.items()
    )
    differs = any(row[1].bold for row in rows)
    caption = sentences(
        f"Of {count_text(len(known), 'run')}.",
        "Bold: runs differ; behind each value the number of its runs." if differs else "",
        "A commit that ends in -dirty had uncommitted changes."
        if any("-dirty" in row[1].text for row in rows)
        else "",
    )
    return TableBlock("provenance", "Versions and machines", Table(("What", "Value"), rows), caption)


def _values(values: Counter[str], runs: int) -> str:
    """In their order; with counts if there are several, or if some runs do not say."""
    if len(values) == 1 and next(iter(values.values())) == runs:
        return next(iter(values))
    return ", ".join(f"{value} ({count})" for value, count in sorted(values.items()))
