"""Pages whose tables, verdicts and pictures are made of results."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.analysis.made_results import results_of, run
from tests.analysis.run_folders import write_run
from vitamin.analysis import markdown
from vitamin.analysis.choice import Choice
from vitamin.analysis.embedding.claims import claim_sentence
from vitamin.analysis.embedding.markers import parse_page
from vitamin.analysis.embedding.pages import _is_redrawn, embed
from vitamin.analysis.exports.writing import write_export
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores
from vitamin.analysis.statistics.comparisons import compare
from vitamin.analysis.table import to_markdown
from vitamin.analysis.tables.scores import score_tables
from vitamin.errors import ReportError
from vitamin.platform.cli import app

ROOT = Path(__file__).parents[2]
TASK = "halfcheetah-random-v2"
SCORES = {"td3_odt": (30, 31, 33), "odt": (2, 2.2, 2.5), "td3": (33, 36, 25), "iql": (2,)}
ON_STEP = {"td3_odt": 0.5, "odt": 0.0, "td3": 0.5, "iql": 0.0}
PAGE = """\
# Ours

<!-- results: results/halfcheetah scores reps=50 final=mean:3 -->
typed by hand
<!-- end -->
Kept as it is:   two spaces.

```
<!-- results: shown as code -->
```

<!-- results: results/halfcheetah claims reps=50 final=mean:3
     "td3_odt above odt on halfcheetah-random-v2"
     "odt above td3_odt on halfcheetah-random-v2" -->
<!-- end -->
"""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Curves as those of the halfcheetah: three evaluations that rise, with other seeds each; no test changes it."""
    folder = tmp_path_factory.mktemp("halfcheetah")
    for method, finals in SCORES.items():
        for seed, final in enumerate(finals):
            points = {0: 2.0, 2000: final - 2 * ON_STEP[method], 4000: final - ON_STEP[method], 6000: final}
            write_run(folder / "runs" / f"{method}-{seed}", points, task=TASK, method=method, seed=seed)
    write_export(load_results(folder / "runs"), folder / "results" / "halfcheetah")
    return folder / "results"


@pytest.fixture
def page(export: Path, tmp_path: Path) -> Path:
    (tmp_path / "results").symlink_to(export)
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path / "page.md"


def vitamin(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["embed", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_blocks_hold_the_report_s_tables_and_the_rest_is_kept(page: Path) -> None:
    made = embed([page])
    assert (made.blocks, made.changed, made.notes) == (2, (page,), ())
    text = page.read_text("utf-8")
    options = ReportOptions(Choice(final="mean:3"), reps=50)
    data = ReportData(load_results(page.parent / "results"), options)
    (block,) = score_tables(data.scores.frame, data.summary, data.scores.labels, not_worse=data.bold_means)
    table, caption = to_markdown(block.table), markdown.paragraph(block.caption)
    begin, end = PAGE.split("typed by hand\n", 1)
    said = "\n\nFinal scores are the mean of the last 3 evaluations.\n\n"
    assert text.startswith(f"{begin}\n{table}\n{caption}{said}{end.split('<!-- end -->')[0]}<!-- end -->\n")
    assert "30.83 ± 1.53 (+28.83)" in table
    assert "Kept as it is:   two spaces.\n\n```\n<!-- results: shown as code -->\n```\n" in text
    claims = text.rpartition('" -->\n')[2].splitlines()
    assert claims[1].startswith(f"- **Confirmed**: TD3+ODT is above ODT on {TASK}, by 28.60 [")
    assert claims[1].endswith("after correction; 3 seeds). The paper has 59.35 and 2.15.")
    assert claims[2].startswith(f"- **Refuted**: TD3+ODT is above ODT on {TASK}, by 28.60 [")
    assert claims[2].endswith("The paper has 2.15 and 59.35.")
    assert claims[3:] == ["", "Final scores are the mean of the last 3 evaluations.", "", "<!-- end -->"]
    assert embed([page]).changed == ()
    assert page.read_text("utf-8") == text


def test_a_page_that_is_behind_is_found_and_not_written(page: Path) -> None:
    assert vitamin(page, "--check")[0] == 1
    assert page.read_text() == PAGE
    code, printed, _ = vitamin(page)
    assert (code, printed) == (0, f"2 blocks; changed: {page}.\n")
    assert vitamin(page, "--check")[:2] == (0, "2 blocks; nothing to change.\n")
    page.write_text(page.read_text("utf-8").replace("30.83", "38.83"), "utf-8")
    code, _, error = vitamin(page, "--check")
    assert code == 1
    assert error == f"error: Not what the results say: {page}. `vitamin embed` without --check writes them.\n"


def test_pictures_are_drawn_where_the_page_shows_them(page: Path) -> None:
    block = SOME.format("curves methods=td3_odt,odt file=images/curves.svg bare")
    page.write_text(block)
    picture = page.parent / "images" / "curves.svg"
    assert embed([page]).changed == (picture, page)
    assert page.read_text("utf-8").splitlines()[2] == (
        "![Curves of ODT and TD3+ODT. halfcheetah-random-v2: TD3+ODT (31.3) ends highest.](<images/curves.svg>)"
    )
    drawn = picture.read_bytes()
    assert embed([page]).changed == ()
    other = re.sub(rb"Matplotlib v[\d.]+", b"Matplotlib v3.0", drawn).replace(b"M ", b"M  ")
    assert _is_redrawn(other, drawn)
    assert not _is_redrawn(drawn + b" ", drawn)
    assert not _is_redrawn(other.replace(b"31.3", b"41.3"), drawn)
    same = block + block.replace("td3_odt,odt", "td3")
    page.write_text(same)
    with pytest.raises(ReportError, match=r"curves.svg is the picture of another block too"):
        embed([page])
    assert page.read_text() == same


def test_a_search_has_the_score_of_each_seed_and_its_cost(tmp_path: Path) -> None:
    for tau, scores in ((0.005, (5, 7)), (0.02, (9, None))):
        for seed, score in enumerate(scores, start=100):
            status = "running" if score is None else "finished"
            given = {
                "task": TASK,
                "overrides": {"tau": tau},
                "wall_time_s": 60 * (seed - 98),
                "status": status,
            }
            write_run(tmp_path / "runs" / f"{tau}-{seed}", [1, score or 0], seed=seed, **given)
    page = tmp_path / "page.md"
    page.write_text("<!-- results: runs search -->\n<!-- end -->\n")
    embed([page])
    assert page.read_text("utf-8").splitlines()[2:] == [
        "| Method | Settings | Seed 100 | Seed 101 | Mean | Minutes |",
        "| --- | --- | --- | --- | --- | --- |",
        "| TD3+ODT | tau 0.005 | 5.00 | 7.00 | 6.00 | 2.5 |",
        "| TD3+ODT | tau 0.02 | 9.00 | – | **9.00** | 2.0 |",
        "",
        (
            "Final score on halfcheetah-random-v2 of each seed at 1 000 online steps, and minutes of a run. Bold: the"
            " highest of each method. No test was made: a search finds settings, it shows nothing. All together 4 runs,"
            " 0.2 hours."
        ),
        "",
        "<!-- end -->",
    ]


def claimed(text: str, **finals: tuple[float, ...]) -> str:
    runs = [
        run(f"{method}-{seed}", {0: 1.0, 1000: final}, task=TASK, method=method, seed=seed)
        for method, scores in finals.items()
        for seed, final in enumerate(scores)
    ]
    scores = run_scores(results_of(*runs))
    return claim_sentence(text, compare(scores, reps=50), scores.labels)


def test_claims_that_no_test_decides_are_undecided() -> None:
    close = claimed(f"td3 above ODT on {TASK}", td3=(10, 30, 50), odt=(5, 28, 45))
    assert close.startswith(f"**Undecided**: whether TD3 is above ODT on {TASK}, difference +4.00 [−")
    assert re.search(
        r"\(p = 0\.\d{3} after correction; 3 seeds\): not apart; about \d+ seeds for 20 points\.", close
    )
    assert close.endswith("The paper has 68.55 and 2.15.")
    single = claimed(f"td3 above odt on {TASK}", td3=(10,), odt=(5,))
    assert "difference +5.00 [–] (1 seed): not apart: a single seed." in single


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (
            "td3 beats odt",
            "'td3 beats odt' is no claim. Write it as `td3_odt above odt on hopper-random-v2`.",
        ),
        (f"td4 above odt on {TASK}", r"No method 'td4' among those compared. Did you mean TD3"),
        ("td3 above odt on halfcheetah", f"Nothing was compared on 'halfcheetah'. Did you mean {TASK}?"),
        (f"td3 above td3 on {TASK}", "TD3 and TD3 were not compared"),
    ],
)
def test_claims_about_what_there_is_not(claim: str, message: str) -> None:
    with pytest.raises(ReportError, match=re.escape(message)):
        claimed(claim, td3=(1, 2), odt=(3, 4))


SOME = "<!-- results: results/halfcheetah {} -->\n<!-- end -->\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text", "page.md has no block to fill"),
        ("<!-- results: results/halfcheetah scores -->\n", "page.md, line 1: the block has no <!-- end -->."),
        ("\n<!-- results: results/halfcheetah scores\n", "page.md, line 2: the block has no -->."),
        ("\n<!-- results: a b\nc\n\n", "page.md, line 2: the block has no -->."),
        ("<!-- results: a scores --> text\n<!-- end -->\n", "line 1: nothing can follow the marker on its line."),
        ("\n<!-- end -->\n", "page.md, line 2: <!-- end --> ends no block."),
        (SOME.format("scores bare=no"), "line 1: bare takes no value."),
        (SOME.format("scores final="), "line 1: final needs a value."),
        (SOME.format("scores interval=x"), "line 1: No interval 'x'."),
        (SOME.format("scores").splitlines()[0] + "\n" + SOME.format("scores"), "line 2: the block of line 1 has"),
        (SOME.format("scores reps=0"), "line 1: reps=0 is no whole number, or too small or large."),
        ("<!-- results: scores -->\n<!-- end -->\n", "line 1: a block names its results and what to show of them"),
        (SOME.format("score"), "line 1: No block 'score'. Did you mean scores or curves?"),
        (SOME.format("scores final=mean"), "line 1: Unknown final score 'mean'. Choose last"),
        (SOME.format("scores finals=last"), "line 1: No option 'finals'. Did you mean final or"),
        (SOME.format("scores at_steps=many"), "line 1: at_steps=many is no whole number,"),
        (SOME.format("scores td3"), "line 1: scores takes options such as final=mean:3, not 'td3'."),
        (SOME.format("scores file=x.svg"), "line 1: scores has no picture: leave out file=x.svg."),
        (SOME.format("scores methods=td4"), "line 1: No run of the method 'td4'."),
        (SOME.format("scores 'final=last"), "line 1: no closing quotation in the marker."),
        (SOME.format("claims"), "line 1: Claims are to be named"),
        (SOME.format("curves"), "line 1: curves needs file=PATH for its picture, which ends in .png, .svg, .pdf."),
        (SOME.format("curves file=x.jpg"), "line 1: curves needs file=PATH"),
        (SOME.format("profiles file=x.svg methods=iql"), "have no profiles"),
        ("\n" + SOME.format("scores").replace("halfcheetah", "nothing"), "line 2: "),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_is_named_by_its_line(page: Path, text: str, message: str) -> None:
    page.write_text(text)
    with pytest.raises(ReportError, match=re.escape(message)):
        embed([page])
    assert page.read_text() == text


def test_nothing_is_written_if_one_page_cannot_be_filled(page: Path) -> None:
    first = page.with_name("first.md")
    first.write_text(SOME.format("search"))
    page.write_text(SOME.format("searches"))
    with pytest.raises(ReportError, match=r"page.md, line 1: No block 'searches'"):
        embed([first, page])
    assert first.read_text() == SOME.format("search")


def test_pages_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe")
    for name, message in (
        ("none.md", "No such file"),
        ("binary.md", "is not UTF-8"),
        (".", "Is a directory"),
    ):
        with pytest.raises(ReportError, match=message):
            embed([tmp_path / name])


def test_lines_end_as_they_did() -> None:
    page = parse_page("a\r\n<!-- results: r scores -->\r\nold\r\n<!-- end -->\r\nb")
    assert page.filled(["one\ntwo"]) == (
        "a\r\n<!-- results: r scores -->\r\n\r\none\r\ntwo\r\n\r\n<!-- end -->\r\nb"
    )
    longer = "````\n```\n<!-- end -->\n````\n~~~\n<!-- results:\n~~~\n"
    assert parse_page(longer).blocks == ()


def test_the_project_s_pages_say_what_their_data_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (pages,) = re.findall(r"^RESULT_PAGES := (.+)$", Path("Makefile").read_text("utf-8"), re.MULTILINE)
    assert embed(map(Path, pages.split()), write=False).changed == ()


def test_what_is_a_marker_and_what_is_code() -> None:
    marked = "\ufeff<!--results: r scores-->\n<!--end-->\n"
    assert parse_page(marked).filled(["one"]) == "\ufeff<!--results: r scores-->\n\none\n\n<!--end-->\n"
    shown = "```a``` b\n\n    <!-- results: r scores -->\n    <!-- end -->\n\n\t<!-- end -->\n"
    assert parse_page(shown).blocks == ()
    assert parse_page(shown + marked.strip("\ufeff")).filled(["one"]).startswith(shown)


def test_a_page_that_is_a_link_stays_one_and_keeps_its_mode(page: Path) -> None:
    page.chmod(0o664)
    (link := page.with_name("link.md")).symlink_to(page)
    before = sorted(page.parent.iterdir())
    assert embed([link]).changed == (link,)
    assert link.is_symlink()
    assert "typed by hand" not in page.read_text("utf-8")
    assert page.stat().st_mode & 0o777 == 0o664
    assert sorted(page.parent.iterdir()) == before
