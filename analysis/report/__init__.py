"""The report: a page with tables and pictures from a directory of run folders.

What builds it is imported when it is first used: tables and frames need the blocks alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitamin.analysis.report.build import Report, build_report

__all__ = ["Report", "build_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("vitamin.analysis.report.build"), name)
