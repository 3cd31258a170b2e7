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


def test_means_by_kind_of_data() -> None:
    text = (ROOT / "docs/methods/choosing.md").read_text(encoding="utf-8")
    lines = [line.strip("| \n") for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
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
