"""Results as data: the runs of a study in two small text files, to be kept beside what tells of them."""

from pathlib import Path

from vitamin.analysis.exports.layout import EVALUATIONS, RUNS

__all__ = ["EVALUATIONS", "RUNS", "export_name", "is_export"]


def is_export(name: str) -> bool:
    """Whether a file's name, or a URI, is that of the runs of an export."""
    return name.endswith(RUNS)


def export_name(file: str) -> str:
    """The name of the results: the file's name without what all exports end in."""
    return Path(file).name.removesuffix(RUNS)
