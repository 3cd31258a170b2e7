"""The report: verdicts, tables and pictures from folders of runs, in every format.

What builds it is imported when it is first used: tables and frames need the blocks alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitamin.analysis.report.build import Report, build_report
    from vitamin.analysis.report.options import ReportOptions

__all__ = ["Report", "ReportOptions", "build_report"]
_HOMES = {"Report": "build", "ReportOptions": "options", "build_report": "build"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"vitamin.analysis.report.{_HOMES[name]}"), name)
