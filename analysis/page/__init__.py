"""A report as one HTML file that opens anywhere: its styles, its data and its programs are inside it."""

from vitamin.analysis.page.printing import print_page
from vitamin.analysis.page.render import Live, render_page

__all__ = ["Live", "print_page", "render_page"]
