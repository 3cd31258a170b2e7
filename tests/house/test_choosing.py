"""The table of docs/methods/choosing.md is what the published scores give."""

from tests.house.test_docs import ROOT
from vitamin.analysis.paper import published

KINDS = {
    ("MuJoCo", "medium"): "-medium-v",
    ("MuJoCo", "medium-replay"): "-medium-replay-v",
    ("MuJoCo", "random"): "-random-v",
    ("Adroit", "expert"): "-expert-v",
    ("Adroit", "cloned"): "-cloned-v",
    ("Adroit", "human"): "-human-v",
    ("AntMaze", "umaze"): "antmaze-umaze",
    ("AntMaze", "medium"): "antmaze-medium",
    ("AntMaze", "large"): "antmaze-large",
}


def _rows() -> list[list[str]]:
    text = (ROOT / "docs/methods/choosing.md").read_text(encoding="utf-8")
    lines = [line[1:].rstrip("| ") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_means_by_kind_of_data() -> None:
    rows = _rows()
    head = next(row for row in rows if row[0] == "suite")
    shown = {(row[0], row[1]): row[2:] for row in rows if (row[0], row[1]) in KINDS}
    assert shown.keys() == KINDS.keys()
    scores = published()
    for (suite, kind), part in KINDS.items():
        of_kind = scores[(scores["suite"] == suite.lower()) & scores["task"].str.contains(part)]
        means = of_kind.groupby("method")["final"].mean()
        assert set(means.index) == set(head[2:])
        best = means.idxmax()
        expected = [f"**{means[name]:.1f}**" if name == best else f"{means[name]:.1f}" for name in head[2:]]
        assert [cell.replace("−", "-") for cell in shown[suite, kind]] == expected, (suite, kind)


def test_tasks_that_lost() -> None:
    rows = _rows()
    place = next(place for place, row in enumerate(rows) if row[0] == "tasks that lost")
    lost = published().assign(lost=lambda scores: scores["change"] < -5).groupby("method")["lost"].sum()
    assert dict(zip(rows[place - 2][1:], map(int, rows[place][1:]), strict=True)) == lost.to_dict()
