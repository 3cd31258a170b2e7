"""How fast methods learn: the IQM over tasks against environment steps or hours."""

from matplotlib.figure import Figure as Sheet

from vitamin.analysis.plots.lines import scope_sheet
from vitamin.analysis.report.blocks import Figure


def efficiency_sheet(figure: Figure) -> Sheet:
    """A panel for each scope."""
    hours = "hours" in figure.name
    sheet, _ = scope_sheet(
        figure,
        x="x",
        y="IQM",
        x_title="Hours of wall-clock time" if hours else "Online environment steps",
        y_title="IQM of normalized scores",
        steps=not hours,
    )
    return sheet
