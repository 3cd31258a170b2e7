"""Performance profiles: the share of runs whose score is above a threshold (Agarwal et al., 2021)."""

from matplotlib.figure import Figure as Sheet

from vitamin.analysis.plots.lines import scope_sheet
from vitamin.analysis.report.blocks import Figure


def profiles_sheet(figure: Figure) -> Sheet:
    """A panel for each scope."""
    sheet, panels = scope_sheet(
        figure,
        x="threshold",
        y="share",
        x_title="Normalized score τ",
        y_title="Share of runs above τ",
        steps=False,
    )
    for axes in panels:
        axes.set_ylim(-0.02, 1.02)
    return sheet
