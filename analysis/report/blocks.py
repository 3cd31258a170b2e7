"""The blocks of a report. Its content is made once, of these; each format lays out the same blocks."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from vitamin.analysis.table import Table

FigureKind = Literal["curves", "intervals", "profiles", "improvement", "efficiency", "ablation"]


@dataclass(frozen=True)
class Text:
    """A paragraph of plain sentences; ``code`` stands between backticks, nothing else is marked up."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences, as `Text` has them."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class TableBlock:
    """A table with the line below it that says what was done.

    Attributes:
        name: What its file is called, without suffix: ``scores-mujoco``.
        title: Heading, also for assistive technology.
        table: The table.
        caption: What the numbers are and how they were made; ends with the marks that occur, explained.
    """

    name: str
    title: str
    table: Table
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture, as data: formats draw it, from the same frame.

    Attributes:
        name: What its files are called, without suffix: ``curves-mujoco``.
        kind: Which decides over the columns of ``frame`` and how it is drawn.
        title: Heading.
        frame: What is drawn.
        caption: What it shows and how it was made.
        alt: What is seen, in a sentence or two, for those who do not see it.
        runs: Of ``curves``: single runs as thin lines, columns task, label, seed, env_steps, score; None without.
    """

    name: str
    kind: FigureKind
    title: str
    frame: pd.DataFrame
    caption: str
    alt: str
    runs: pd.DataFrame | None = None


Block = Text | Bullets | TableBlock | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it.

    Attributes:
        key: Fragment of the page: ``final-scores``.
        title: The heading.
        blocks: What follows, in its order.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: Of the page.
        sections: In their order; a section without blocks is left out by whoever makes the page.
        labels: Labels of the methods, in the order of the tables.
    """

    title: str
    sections: tuple[Section, ...]
    labels: tuple[str, ...]
