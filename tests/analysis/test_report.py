import os
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.run_folders import run_info, write_run, write_seeds, write_sweep
from vitamin.analysis.report import build_report
from vitamin.analysis.schema import EVALUATIONS_FILE, RUN_FILE, DatasetInfo
from vitamin.errors import ReportError

FILES = [
    "report.md",
    "scores.csv",
    "summary.csv",
    "aggregates.csv",
    "curves.csv",
    "curves.png",
    "curves.svg",
    "curves.pdf",
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "results"
    write_seeds(directory, [70, 72, 74])
    write_seeds(directory, [10, 12, 14], method="odt")
    return directory


def test_files_and_content(results: Path) -> None:
    stand_in = DatasetInfo(
        path="/data/like.hdf5",
        fingerprint="sha256:aaaabbbbcccc",
        trajectories=4,
        steps=9,
        label="stand-in: random",
    )
    write_run(results / "diverged", [10, 5], seed=3, status="diverged", message="loss/critic\nis NaN")
    write_run(
        results / "other", [10, 30], task="walker2d-random-v2", dataset=stand_in, commit="0123456789abcdef"
    )
    write_run(results / "killed", [10], seed=4, status="running")
    made = build_report(results, reps=100)
    assert [path.relative_to(results / "report").as_posix() for path in made.files] == FILES
    page = made.page.read_text()
    headings = re.findall("^#+ (.+)$", page, re.MULTILINE)
    assert headings == [
        "Results in results",
        "Offline data",
        "Software",
        "Final scores",
        "Aggregates",
        "Learning curves",
        "Runs that did not finish or do not count",
    ]
    assert "9 runs: 1 diverged, 7 finished, 1 running." in page
    assert "Methods: ODT, TD3+ODT. Tasks: 2. Seeds: 0, 1, 2, 3, 4." in page
    assert "| walker2d-random-v2 | like.hdf5 | aaaabbbb | 4 | 9 | stand-in: random |" in page
    assert "| torch | 2.13.0 |" in page
    assert "| commit | 0123456789ab |" in page
    assert "| hopper-medium-v2 | 12.00 (+2.00) | **55.25 (+45.25)†** |" in page
    assert "![Score against online environment steps, one panel for each task](curves.png)" in page
    assert "| diverged | diverged | 1000 | 5.00 | counted | loss/critic is NaN |" in page
    assert "| killed | running | 0 | – | not finished |  |" in page
    assert "1 run does not count: not finished." in made.notes


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    directory = tmp_path / os.fsdecode(b"results\xff")
    write_seeds(directory, [70, 72])
    for name, odd in (("run", b"run\xfe"), ("damaged", b"damaged\xfd")):
        write_run(directory / name, [10, 30])
        (directory / name).rename(directory / os.fsdecode(odd))
    (directory / os.fsdecode(b"damaged\xfd") / RUN_FILE).write_text("{")
    made = build_report(directory, reps=10)
    page = made.page.read_text(encoding="utf-8")
    assert "# Results in results\\udcff\n" in page
    assert "damaged\\udcfd" in page
    assert "run\\udcfe" in (made.page.parent / "scores.csv").read_text(encoding="utf-8")


def test_a_separated_method_is_named(results: Path) -> None:
    page = build_report(results, reps=100).page.read_text()
    assert "Where there are fewer than 5 seeds" in page
    assert "- hopper-medium-v2: TD3+ODT has the highest IQM. Its interval is apart from ODT.\n" in page
    assert "Settings that differ" not in page
    assert "did not finish" not in page


def test_success_rates_of_tasks_with_a_goal(results: Path) -> None:
    assert "Success rate" not in build_report(results, reps=10).page.read_text()
    for seed, successes in enumerate([(0, 1), (1, 1)]):
        write_run(results / f"maze-{seed}", [1, 2], task="maze2d-umaze-v1", seed=seed, successes=successes)
    made = build_report(results, reps=10)
    page = made.page.read_text()
    assert "## Success rate\n\n| Task | TD3+ODT |\n| --- | --- |\n| maze2d-umaze-v1 | 75.0 % |\n" in page
    scores = pd.read_csv(made.page.parent / "scores.csv").set_index("run")
    assert scores.loc["maze-0", "success"] == 0.5


def test_swept_settings_are_listed(tmp_path: Path) -> None:
    for value in (0.1, 2.0):
        write_run(tmp_path / str(value), [10, 20], overrides={"rl_coefficient": value})
    page = build_report(tmp_path, tmp_path / "out", reps=10).page.read_text()
    assert "| TD3+ODT | rl_coefficient | 0.1, 2 |" in page
    assert "| Task | TD3+ODT, rl_coefficient=0.1 | TD3+ODT, rl_coefficient=2 |" in page


def test_csv_files_hold_the_numbers(results: Path) -> None:
    made = build_report(results, reps=100)
    folder = made.page.parent
    scores = pd.read_csv(folder / "scores.csv")
    assert sorted(scores["final"]) == [10, 12, 14, 70, 72, 74]
    aggregates = pd.read_csv(folder / "aggregates.csv").set_index(["label", "metric"])
    assert list(aggregates.loc[("TD3+ODT", "IQM"), ["value", "low", "high"]]) == [72, 70, 74]
    assert pd.read_csv(folder / "curves.csv")["mean"].tolist() == [10, 12, 10, 72]


def test_a_report_is_reproducible_and_ignores_its_own_folder(results: Path) -> None:
    first = build_report(results, reps=100)
    before = [path.read_bytes() for path in first.files]
    second = build_report(results, reps=100)
    assert [path.read_bytes() for path in second.files] == before


def test_nothing_finished_gives_a_page_that_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    made = build_report(tmp_path, reps=10)
    assert "--include-unfinished counts" in made.page.read_text()
    assert any("--include-unfinished" in note for note in made.notes)
    assert not list(made.page.parent.glob("curves.p*"))
    counted = build_report(tmp_path, reps=10, include_unfinished=True)
    assert "20.00 (+10.00)†" in counted.page.read_text()
    assert (counted.page.parent / "curves.png").exists()


def test_runs_without_an_online_phase_get_other_advice(tmp_path: Path) -> None:
    write_run(tmp_path / "pretrained", [10])
    made = build_report(tmp_path, reps=10)
    assert "include-unfinished" not in made.page.read_text() + " ".join(made.notes)
    assert made.notes[-1].startswith("No run counts, since none has evaluated online")
    write_run(tmp_path / "killed", [10], status="running", seed=1)
    assert "include-unfinished" not in " ".join(build_report(tmp_path, reps=10).notes)


def test_trials_of_a_sweep_that_left_no_run_are_named(results: Path) -> None:
    names = ["run-odt-0", "run-odt-1", "removed", "waiting", *(f"late{i}" for i in range(3))]
    write_sweep(results, *names)
    (results / "waiting").mkdir()
    made = build_report(results, reps=10)
    assert "5 trials of a sweep left no run: late0, late1, late2 …." in made.notes
    page = made.page.read_text()
    assert "6 runs: 6 finished. 5 trials not started.\n" in page
    for name in names[2:]:
        assert f"| {name} | not started | – | – | no online evaluation |" in page
    assert "| run-odt-0 |" not in page.partition("did not finish")[2]

    write_sweep(results, "run-odt-0")
    assert not any("left no run" in note for note in build_report(results, reps=10).notes)
    (results / "sweep.json").write_text("[]")
    assert "sweep.json is damaged" in build_report(results, reps=10).page.read_text()


def test_pictures_of_an_earlier_report_do_not_stay(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    made = build_report(tmp_path, reps=10, include_unfinished=True)
    build_report(tmp_path, reps=10)
    assert not (made.page.parent / "curves.png").exists()


def test_skipped_runs_are_named(results: Path) -> None:
    (results / "broken").mkdir()
    (results / "broken" / RUN_FILE).write_text("{")
    made = build_report(results, reps=10)
    assert "Skipped: " in made.page.read_text()
    assert any("broken" in note for note in made.notes)


def test_no_evaluations(tmp_path: Path) -> None:
    run_info().write(tmp_path)
    with pytest.raises(ReportError, match="has evaluated yet"):
        build_report(tmp_path)
    write_run(tmp_path / "run", [1, 2])
    (tmp_path / RUN_FILE).unlink()
    path = tmp_path / "run" / EVALUATIONS_FILE
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(ReportError, match="has evaluated yet"):
        build_report(tmp_path)


def test_unwritable_folder(results: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="Cannot write the report"):
        build_report(results, tmp_path / "file" / "report")


def test_a_section_is_a_template(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "05_new.md.j2").write_text("## {{ report.tasks | join }}")
    monkeypatch.setattr("vitamin.analysis.report.build._TEMPLATES", tmp_path)
    assert build_report(results, reps=10).page.read_text() == "## hopper-medium-v2\n"
