"""Figures of the paper that need no environment: computed here, drawn by analysis."""

from vitamin.platform.figures.files import FigureFiles
from vitamin.platform.figures.single_state import single_state_mdp
from vitamin.platform.figures.theory import theory

__all__ = ["FigureFiles", "single_state_mdp", "theory"]
