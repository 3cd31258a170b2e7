"""The report: a page with tables and pictures from a directory of run folders."""

from vitamin.analysis.report.build import Report, build_report

__all__ = ["Report", "build_report"]
