"""The contents of a report's files, and bad input."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from tests.analysis.run_folders import run_info, write_run, write_seeds, write_sweep
from vitamin.analysis.choice import Choice
from vitamin.analysis.report import build_report
from vitamin.analysis.report.build import Report
from vitamin.analysis.report.options import Format, ReportOptions, parse_formats, parse_interval
from vitamin.analysis.schema import EVALUATIONS_FILE, RUN_FILE, DatasetInfo
from vitamin.errors import ReportError

CSV = ["aggregates.csv", "comparisons.csv", "curves.csv", "runs.csv", "scores.csv"]
CURVES = ["curves-mujoco.png"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "results"
    write_seeds(directory, [70, 72, 74])
    write_seeds(directory, [10, 12, 14], method="odt")
    return directory


def options(*formats: Format, **choice: object) -> ReportOptions:
    return ReportOptions(Choice(**choice), formats=formats or ("csv",), reps=50)  # type: ignore[arg-type]


def names(made: Report) -> list[str]:
    return [path.relative_to(made.page.parent).as_posix() for path in made.files]


def read(made: Report, name: str = "report.md") -> str:
    return (made.page.parent / name).read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitamin.analysis.report.build._draw", lambda *_: {})


@pytest.mark.parametrize(
    ("formats", "files", "page"),
    [
        (("csv",), CSV, "aggregates.csv"),
        (("md",), [*CURVES, "report.md"], "report.md"),
        (("html",), ["report.html"], "report.html"),
        (("html", "csv"), [*CSV, "report.html"], "report.html"),
    ],
)
def test_each_format_has_its_files(
    results: Path, formats: tuple[Format, ...], files: list[str], page: str
) -> None:
    made = build_report(results, options=options(*formats))
    assert names(made) == sorted(files)
    assert made.page == results / "report" / page
    shown = {path.name for path in made.page.parent.iterdir() if not path.name.startswith(".")}
    assert shown == set(files)


def test_latex_has_a_file_for_each_table(results: Path) -> None:
    made = build_report(results, options=options("latex"))
    tables = [name for name in names(made) if name.startswith("tables/")]
    assert names(made) == sorted(["curves-mujoco.pdf", "report.tex", *tables])
    document = read(made, "report.tex")
    assert sorted(f"{name}.tex" for name in re.findall(r"\\input\{(.*?)\}", document)) == tables
    assert made.page.name == "report.tex"
    assert r"\includegraphics" in document


def test_pdf_is_printed_of_the_page(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def print_page(html: Path, pdf: Path) -> None:
        assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        pdf.write_bytes(b"%PDF")

    monkeypatch.setattr("vitamin.analysis.page.printing.print_page", print_page)
    assert names(build_report(results, options=options("pdf"))) == ["report.pdf"]


def test_without_a_browser_there_is_no_pdf_and_no_trace(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitamin.analysis.page.printing.find_browser", lambda: None)
    with pytest.raises(ReportError, match="needs Chromium"):
        build_report(results, options=options("pdf", "csv"))
    assert not (results / "report").exists()


def test_content(results: Path, no_pictures: None) -> None:
    stand_in = DatasetInfo(
        path="/data/like.hdf5",
        fingerprint="sha256:aaaabbbbcccc",
        trajectories=4,
        steps=9,
        label="stand-in: random",
    )
    message = "loss/critic\nis NaN"
    write_run(results / "diverged", [10, 5], seed=3, status="diverged", message=message)
    write_run(
        results / "other", [10, 30], task="walker2d-random-v2", dataset=stand_in, commit="0123456789abcdef"
    )
    write_run(results / "killed", [10], seed=4, status="running")
    made = build_report(results, options=options("md"))
    page = read(made)
    assert re.findall("^## (.+)$", page, re.MULTILINE) == [
        "Summary",
        "Protocol",
        "Final scores",
        "Aggregates over tasks",
        "Learning curves",
        "Time and cost",
        "Runs",
        "Provenance",
    ]
    assert page.startswith("# Results in results\n")
    counts = "9 runs: 1 diverged, 7 finished, 1 running; 8 count. 2 methods (ODT and TD3+ODT), 2 tasks,"
    assert section(page, "Summary").strip().startswith(counts)
    assert made.summary[0].startswith(counts)
    # Of TD3+ODT 70, 72, 74 and what was left of the run that diverged, 5.
    assert (
        "| hopper-medium-v2 | **12.00 ± 2.00 (+2.00), n = 3** | **55.25 ± 33.54 (+45.25)†, n = 4** |" in page
    )
    assert "| walker2d-random-v2 ‡ | like.hdf5 | aaaabbbbcccc | 4 | 9 | stand-in: random |" in page
    assert "| torch | 2.13.0 |" in page
    assert "0123456789ab" in section(page, "Provenance")
    assert "loss/critic is NaN" in section(page, "Runs")
    assert "1 run does not count: not finished (killed)." in made.notes


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    directory = tmp_path / os.fsdecode(b"results\xff")
    write_seeds(directory, [70, 72])
    for name, odd in (("run", b"run\xfe"), ("damaged", b"damaged\xfd")):
        write_run(directory / name, [10, 30])
        (directory / name).rename(directory / os.fsdecode(odd))
    (directory / os.fsdecode(b"damaged\xfd") / RUN_FILE).write_text("{")
    made = build_report(directory, options=options("html", "md", "csv", "latex"))
    assert read(made).startswith("# Results in results\\\\udcff\n")
    for name in ("scores.csv", "runs.csv"):
        assert "run\\udcfe," in read(made, name)
    for file, slash in (
        ("report.md", r"\\"),
        ("report.html", "\\"),
        ("latex/report.tex", r"\textbackslash{}"),
    ):
        assert f"damaged{slash}udcfd" in read(made, file)
    assert "[run\\\\udcfe]" in read(made)


def test_links_lead_to_the_runs(tmp_path: Path, no_pictures: None) -> None:
    """Whatever the folders are called: each page escapes them once."""
    odd = "a b#c?d%20e"
    for seed in range(2):
        write_run(tmp_path / "results" / f"{odd}-{seed}", [10, 20], seed=seed)
    made = build_report(tmp_path / "results", options=options("md", "html"))
    links = (
        re.findall(r"\]\(<(\.\.[^>]*)>\)", read(made)),
        re.findall(r'href="(\.\.[^"]*)"', read(made, "report.html")),
    )
    for found in links:
        places = [(made.page.parent / unquote(link)).resolve() for link in found]
        assert places == [tmp_path / "results" / f"{odd}-{seed}" for seed in range(2)]
        assert not [link for link in found if re.search("[ #?]", link)]


def test_the_page_says_what_the_files_hold(results: Path, no_pictures: None) -> None:
    write_seeds(results, [30, 50], task="walker2d-medium-v2")
    write_seeds(results, [20, 24], task="walker2d-medium-v2", method="odt")
    made = build_report(results, options=options("md", "csv"))
    page = read(made)
    frames = {name: pd.read_csv(made.page.parent / name) for name in CSV}
    scores = frames["scores.csv"]
    by = scores.groupby(["task", "label"])["final"]
    for (task, label), finals in by:
        mean, spread = finals.mean(), finals.std()
        (line,) = [
            line
            for line in page.splitlines()
            if re.match(rf"\| {task} \| {re.escape(label)} \| {len(finals)} \| 10", line)
        ]
        assert f"| {mean:.2f} ± {spread:.2f} |" in line
    aggregates = section(page, "Aggregates over tasks")
    shown = frames["aggregates.csv"]
    assert {"task", "suite"} <= set(shown["kind"])
    for row in shown[shown["metric"] == "mean"].itertuples():
        said = re.escape(f"{row.value:.2f} [{_signed(row.low)}, {_signed(row.high)}]")
        line = rf"\| {re.escape(row.scope)} \| {re.escape(row.label)} \|.*\b{said}"
        assert re.search(line, aggregates), line
    for row in frames["comparisons.csv"].itertuples():
        said = re.escape(f"{'+' if row.difference >= 0 else '−'}{abs(row.difference):.2f} [")
        line = rf"\| {re.escape(row.method_a)} \| {re.escape(row.method_b)} \|.*\| \**{said}"
        assert re.search(line, section(page, "Final scores")), line
    apart = int(frames["comparisons.csv"]["apart"].sum())
    assert f"Of {len(frames['comparisons.csv'])} comparisons, {apart} " in section(page, "Summary")
    curves = frames["curves.csv"].set_index(["task", "label", "env_steps"])
    assert curves.loc[("hopper-medium-v2", "TD3+ODT", 1000), "mean"] == 72


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def test_success_rates_of_tasks_with_a_goal(results: Path, no_pictures: None) -> None:
    assert "Success rates" not in read(build_report(results, options=options("md")))
    for seed, successes in enumerate([(0, 1), (1, 1)]):
        write_run(results / f"maze-{seed}", [1, 2], task="maze2d-umaze-v1", seed=seed, successes=successes)
    page = read(build_report(results, options=options("md")))
    assert "### Success rates\n\n| Task | TD3+ODT |\n| --- | --- |\n| maze2d-umaze-v1 | 75.0 % |\n" in page


@pytest.mark.parametrize("formats", [("csv", "md"), ("html",), ("latex",)])
def test_the_same_input_gives_the_same_bytes(results: Path, formats: tuple[Format, ...]) -> None:
    """Also though the first report then lies among the runs."""
    first = build_report(results, options=options(*formats))
    before = [path.read_bytes() for path in first.files]
    second = build_report(results, options=options(*formats))
    assert second.files == first.files
    assert [path.read_bytes() for path in second.files] == before


def test_files_of_an_earlier_report_do_not_stay(results: Path) -> None:
    build_report(results, options=options("md", "csv", "latex"))
    folder = results / "report"
    (folder / "notes.txt").write_text("mine")
    made = build_report(results, options=options("csv"))
    assert names(made) == CSV
    left = sorted(path.name for path in folder.rglob("*") if not path.name.startswith("."))
    assert left == sorted([*CSV, "notes.txt"])


def test_nothing_finished_gives_a_page_that_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    made = build_report(tmp_path, options=options("html", "md", "csv"))
    said = "No run counts; --include-unfinished counts unfinished ones, with their last score."
    assert said in read(made)
    assert said in read(made, "report.html")
    assert not list(made.page.parent.glob("*.png"))
    assert pd.read_csv(made.page.parent / "scores.csv")["left_out"].tolist() == ["not finished"]
    assert "1 run does not count: not finished (run)." in made.notes
    counted = build_report(tmp_path, options=options("md", include_unfinished=True))
    assert "20.00 (+10.00)†" in read(counted)
    assert (counted.page.parent / "curves-mujoco.png").exists()


def test_runs_without_an_online_phase_get_other_advice(tmp_path: Path) -> None:
    write_run(tmp_path / "pretrained", [10])
    made = build_report(tmp_path, options=options("md"))
    assert "include-unfinished" not in read(made) + " ".join(made.notes)
    assert "No run counts: why not is told for each run below." in read(made)
    write_run(tmp_path / "killed", [10], status="running", seed=1)
    assert "include-unfinished" not in read(build_report(tmp_path, options=options("md")))


def test_trials_of_a_sweep_that_left_no_run_are_named(results: Path, no_pictures: None) -> None:
    trials = ["run-odt-0", "run-odt-1", "removed", "waiting", *(f"late{i}" for i in range(3))]
    write_sweep(results, *trials)
    (results / "waiting").mkdir()
    made = build_report(results, options=options("md"))
    assert any(note.startswith("5 trials of a sweep left no run: late0, late1, late2") for note in made.notes)
    page = read(made)
    assert "6 runs: 6 finished; 6 count. 5 trials of a sweep left no run." in page
    for name in trials[2:]:
        assert f"| {name} | – | – | – | not started |" in section(page, "Runs")

    write_sweep(results, "run-odt-0")
    assert not any("left no run" in note for note in build_report(results, options=options()).notes)
    (results / "sweep.json").write_text("[]")
    assert any("sweep.json is damaged" in note for note in build_report(results, options=options()).notes)


def test_skipped_runs_are_named(results: Path, no_pictures: None) -> None:
    (results / "broken").mkdir()
    (results / "broken" / RUN_FILE).write_text("{")
    made = build_report(results, options=options("md"))
    assert "Skipped: " in section(read(made), "Runs")
    assert any("broken" in note for note in made.notes)
    assert "6 runs: 6 finished; 6 count." in made.summary[0]


def test_no_evaluations(tmp_path: Path) -> None:
    run_info().write(tmp_path)
    with pytest.raises(ReportError, match=r"has evaluated yet \(1 found\)"):
        build_report(tmp_path)
    write_run(tmp_path / "run", [1, 2])
    (tmp_path / RUN_FILE).unlink()
    path = tmp_path / "run" / EVALUATIONS_FILE
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(ReportError, match="has evaluated yet"):
        build_report(tmp_path)


def test_unwritable_folder(results: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "report", tmp_path / "file"):
        with pytest.raises(ReportError, match=r"Cannot write the report to .*Choose another --out\."):
            build_report(results, out=out, options=options())
    assert (tmp_path / "file").read_text() == ""


def test_several_sources_are_one_report(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_seeds(tmp_path / "more", [20, 22, 24], method="iql")
    monkeypatch.chdir(tmp_path)
    made = build_report("results", "more", options=options())
    assert made.page == Path("report/aggregates.csv")
    assert "3 methods (IQL, ODT and TD3+ODT)" in made.summary[0]
    runs = pd.read_csv("report/runs.csv")["run"]
    assert {run.split("/")[0] for run in runs} == {"results", "more"}
    assert len(runs) == 9


def test_the_same_runs_by_two_ways_count_once(results: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(results, target_is_directory=True)
    made = build_report(results, tmp_path / "link", results, out=tmp_path / "out", options=options())
    assert "6 runs: 6 finished; 6 count." in made.summary[0]


def test_a_baseline_is_all_that_is_compared_with(results: Path) -> None:
    write_seeds(results, [20, 22, 24], method="iql")
    folder = build_report(results, options=options()).page.parent
    assert len(pd.read_csv(folder / "comparisons.csv")) == 3
    build_report(results, options=options(baseline="td3_odt"))
    pairs = pd.read_csv(folder / "comparisons.csv")[["method_a", "method_b"]].to_numpy().tolist()
    assert sorted(map(sorted, pairs)) == [["IQL", "TD3+ODT"], ["ODT", "TD3+ODT"]]


def test_choices_of_tasks_and_methods(results: Path) -> None:
    write_seeds(results, [20, 22], method="iql", task="walker2d-medium-v2")
    made = build_report(results, options=options(tasks=("hopper-*",), methods=("td3_odt",)))
    scores = pd.read_csv(made.page.parent / "scores.csv")
    assert set(scores["label"]) == {"TD3+ODT"}
    assert set(scores["task"]) == {"hopper-medium-v2"}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            {"tasks": ("hoper-medium-v2",)},
            "No run of the task 'hoper-medium-v2'. Did you mean hopper-medium-v2?",
        ),
        ({"methods": ("tD3_od",)}, "Did you mean TD3+ODT or td3_odt"),
        ({"at_steps": 1001}, "at 1001 online steps. Choose a step from 1 to 1000"),
        ({"final": "lst"}, "Unknown final score 'lst'. Choose last, mean:K"),
        ({"final": "mean:0"}, "Unknown final score 'mean:0'"),
        ({"baseline": "od"}, "No method 'od' among those compared. Did you mean ODT"),
        ({"by": ("prset",)}, "has the setting 'prset'. Did you mean preset"),
        ({"by": ("seed",)}, "seed"),
    ],
)
def test_a_choice_of_what_is_not_there_names_what_is(
    results: Path, choice: dict[str, object], said: str
) -> None:
    with pytest.raises(ReportError, match=re.escape(said)):
        build_report(results, options=options(**choice))
    assert not (results / "report").exists()


def test_formats_and_intervals_by_name() -> None:
    assert parse_formats(["csv,html", "csv"]) == ("html", "csv")
    assert parse_formats([]) == ("html", "md", "csv")
    with pytest.raises(ReportError, match=r"No format 'htm'\. Did you mean html\?"):
        parse_formats(["md,htm"])
    assert parse_interval("rliable") == "rliable"
    with pytest.raises(ReportError, match=r"No interval 'z'\. There are t and rliable"):
        parse_interval("z")


def test_rliable_s_own_ends_are_shown_on_demand(results: Path, no_pictures: None) -> None:
    asked = ReportOptions(formats=("csv",), reps=50, interval="rliable")
    frame = pd.read_csv(build_report(results, options=asked).page.parent / "aggregates.csv")
    means = frame[frame["metric"] == "mean"]
    assert means["low"].tolist() == means["rliable_low"].tolist()
    assert means.set_index("label").loc["TD3+ODT", ["low", "high"]].tolist() == [70, 73.85]


def test_the_paper_s_scores_stand_beside_ours(results: Path, no_pictures: None) -> None:
    asked = ReportOptions(formats=("md",), reps=50, against="paper")
    part = section(read(build_report(results, options=asked)), "Beside other results")
    assert "hopper-medium-v2" in part
    assert "small" in part  # the preset, for which they are not comparable


def test_other_results_stand_beside_ours(results: Path, tmp_path: Path, no_pictures: None) -> None:
    write_seeds(tmp_path / "theirs", [50, 52, 54])
    asked = ReportOptions(formats=("md",), reps=50, against=str(tmp_path / "theirs"))
    part = section(read(build_report(results, options=asked)), "Beside other results")
    assert "+20.00" in part
