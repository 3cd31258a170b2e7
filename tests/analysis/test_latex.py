import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from vitamin.analysis.latex import table_latex
from vitamin.analysis.latex_text import escape
from vitamin.analysis.report.blocks import Bullets, Figure, Page, Section, TableBlock, Text
from vitamin.analysis.report.latex import report_latex, write_latex
from vitamin.analysis.table import Cell, Table

ODD = (
    "a_b & 50 % of #1 ${x}$ ~^\\ <tag> |p| \"q\" 'r' `s` [t] * -- α λ Ω ± − × ° † ‡ ≤ √ – — … é ñ ß ç “u” "
    "中 🎉 \udcff \x07 \n x"
)


def balanced(latex: str) -> bool:
    """Whether braces, and dollars, close."""
    bare = re.sub(r"\\[\\{}$]", "", latex)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0 and bare.count("$") % 2 == 0


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("rl_coefficient=0.5", r"rl\_coefficient=0.5"),
        ("a & b % c # d $ {e}", r"a \& b \% c \# d \$ \{e\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("89.07 ± 2.10 (−1.00)†‡°", r"89.07 $\pm$ 2.10 ($-$1.00)$\dagger$$\ddagger$$^\circ$"),
        ("α × β – λ", r"$\alpha$ $\times$ $\beta$ -- $\lambda$"),
        ("--against", "-{}-against"),
        ("a\n\tb", "a b"),
        ("Müller, naïve, Å", r"M\"{u}ller, na\"{i}ve, \r{A}"),
        ("中\udcff", r"\texttt{U+4E2D}\texttt{U+DCFF}"),
        ("10\N{NO-BREAK SPACE}000", "10~000"),
    ],
)
def test_text_is_escaped(text: str, latex: str) -> None:
    assert escape(text) == latex


def test_escaped_text_is_ascii_with_balanced_braces() -> None:
    assert escape(ODD).isascii()
    assert balanced(escape(ODD))
    every = "".join(map(chr, [*range(0x500), *range(0x2000, 0x2300)]))
    assert escape(every).isascii()
    assert balanced(escape(every))


def block(
    name: str = "scores-mujoco", *, rows: int = 2, text: str = "[1.00]", title: str = "Final scores"
) -> TableBlock:
    cells = tuple((Cell(text), Cell("A_1"), Cell("2.00 ± 1.00", bold=True, value=2.0)) for _ in range(rows))
    return TableBlock(
        name, title, Table(("Task", "Method", "Score (50 %)"), cells, label_column=1), "† counts `x`."
    )


def test_a_table_has_rules_bold_caption_label_and_notes() -> None:
    lines = table_latex(block()).splitlines()
    assert lines[0].startswith("% Needs booktabs,")
    assert r"\caption{Final scores}\label{tab:scores-mujoco}" in lines
    assert r"\begin{tabular}{llr}" in lines
    assert r"Task & Method & Score (50 \%) \\" in lines
    assert r"{}[1.00] & A\_1 & \textbf{2.00 $\pm$ 1.00} \\" in lines  # no option of \\ before it
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert r"\par\smallskip{\footnotesize\raggedright $\dagger$ counts x.\par}" in lines
    assert balanced("\n".join(lines))


def test_a_table_longer_than_a_page_goes_on_over_pages() -> None:
    latex = table_latex(block(rows=100, text="a long verdict " * 8))
    assert r"\begin{longtable}{p{0.30\linewidth}lr}" in latex
    assert latex.count(r"\endhead") == 1
    assert latex.count(r"A\_1") == 100
    assert balanced(latex)


def odd_page() -> Page:
    figure = Figure("curves-mujoco", "curves", ODD, pd.DataFrame(), ODD, ODD)
    undrawn = Figure("curves-none", "curves", "None", pd.DataFrame(), "", ODD)
    many = tuple(block(f"many-{number}") for number in range(30))
    sections = (
        Section(
            "a", ODD, (Text(f"Say `{ODD}` and {ODD}"), Bullets((ODD, "[x] y")), Bullets(()), figure, undrawn)
        ),
        Section(
            "b", "Tables", (block("odd", text=ODD, title=ODD), block("long", rows=90, text=ODD, title=ODD))
        ),
        Section("c", "Many", (*many, block("empty", rows=0))),
    )
    return Page(ODD, sections, ("A",))


def test_the_report_reads_each_table_and_picture(tmp_path: Path) -> None:
    pictures = {"curves-mujoco": ("curves-mujoco.png", "curves-mujoco.pdf")}
    files = write_latex(odd_page(), pictures, tmp_path)
    assert files[0] == tmp_path / "report.tex"
    latex = files[0].read_text(encoding="ascii")
    inputs = re.findall(r"\\input\{(.*?)\}", latex)
    assert len(inputs) == 33
    assert {tmp_path / f"{name}.tex" for name in inputs} == set(files[1:])
    assert re.findall(r"\\includegraphics\[.*?\]\{(.*?)\}", latex) == ["curves-mujoco.pdf"]
    assert balanced(latex)
    assert report_latex(odd_page(), pictures) == latex


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed (Debian: texlive-latex-recommended)"
)
def test_it_compiles(tmp_path: Path) -> None:
    from matplotlib.figure import Figure as Picture

    Picture().savefig(tmp_path / "curves-mujoco.pdf")
    write_latex(odd_page(), {"curves-mujoco": ("curves-mujoco.pdf",)}, tmp_path)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 10_000
    assert "Missing character" not in (tmp_path / "report.log").read_text(errors="replace")
