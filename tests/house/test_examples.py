"""The programs in docs/examples run, with less to do than their readers will give them."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An example as its own program imports it: by its name, from its folder."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module(name)


@pytest.mark.ray
@pytest.mark.slow
def test_own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("own_environment", monkeypatch)
    total = module.main(tmp_path, preset="tiny", pretrain_updates=8, online_steps=100)
    runs = load_results(tmp_path / "run").runs
    assert runs["task"].tolist() == [module.TASK]
    assert -60 < total < 0


def test_rl_gradient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = example("rl_gradient", monkeypatch).main(tmp_path, updates=60)
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_analyse_results(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = example("analyse_results", monkeypatch)
    table = module.main().set_index("label")
    finals = run_scores(load_results(module.QUICKSTART)).counted.groupby("label", observed=True)["final"]
    assert table["mean"].to_dict() == pytest.approx(finals.mean().to_dict())
    assert (table["low"] < table["mean"]).all()
    assert "it is apart from ODT (p < 0.001" in capsys.readouterr().out
