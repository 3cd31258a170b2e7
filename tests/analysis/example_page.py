"""A page of every kind of block, of numbers that are made up."""

import itertools

import numpy as np
import pandas as pd

from vitamin.analysis.report.blocks import Bullets, Figure, Page, Section, TableBlock, Text
from vitamin.analysis.table import Cell, Table

LABELS = ("TD3+ODT", "ODT", "TD3", "IQL", "TD3+ODT (rl_coefficient=0.1)")
TASKS = ("hopper-medium-v2", "hopper-medium-replay-v2", "walker2d-medium-v2", "ant-medium-v2")
STEPS = 10
SEEDS = 3
HOSTILE = (
    '</script><script>document.title="hacked"</script><img src=x onerror=alert(1)>"\'&\n\u202e\x00\udcff`'
)


def example_page(
    labels: tuple[str, ...] = LABELS,
    tasks: tuple[str, ...] = TASKS,
    *,
    title: str = "Results in example",
    runs: int = 250,
    steps: int = STEPS,
) -> Page:
    """The page; ``runs`` is the number of rows in its table of runs."""
    random = np.random.default_rng(0)
    figures = [
        _curves(labels, tasks, steps, random),
        _intervals(labels, random),
        _profiles(labels),
        _improvement(labels),
        _efficiency(labels, steps, random),
        _ablation(tasks),
    ]
    return Page(
        title,
        (
            Section(
                "summary",
                "Summary",
                (
                    Text(
                        f"{len(labels)} methods on {len(tasks)} tasks, {SEEDS} seeds each. Scores of the last "
                        "evaluation, as `--final last` takes them."
                    ),
                    Bullets(
                        (
                            f"All tasks ({len(tasks)}): {labels[0]} is above {labels[1]} by 12.3 points (p = 0.003).",
                            f"{labels[-2]} and {labels[-1]} are not told apart by 3 seeds; about 9 would.",
                        )
                    ),
                ),
            ),
            Section("scores", "Final scores", (_scores(labels, tasks, random), _summary(labels, random))),
            Section("statistics", "Statistics", tuple(figures[1:4])),
            Section("curves", "Learning curves", (figures[0], *figures[4:])),
            Section("runs", "Runs", (_runs(labels, tasks, runs),)),
        ),
        labels,
    )


def hostile_page() -> Page:
    """A page on which every name is `HOSTILE`, or begins with it."""
    return example_page(
        (HOSTILE, f"{HOSTILE} 2", f"{HOSTILE} 3", f"{HOSTILE} 4"), (HOSTILE, f"{HOSTILE} 2"), title=HOSTILE
    )


def _scores(labels: tuple[str, ...], tasks: tuple[str, ...], random: np.random.Generator) -> TableBlock:
    rows = []
    for task in tasks:
        scores = random.normal(70, 15, len(labels))
        cells = [Cell(f"{x:.1f} (+{x / 5:.1f})", bold=x == max(scores), value=float(x)) for x in scores]
        rows.append((Cell(task), *cells))
    table = Table(("task", *labels), tuple(rows), labels=(None, *labels))
    return TableBlock(
        "scores",
        "Final score, and change from the pretrained policy",
        table,
        "Means over seeds; the best of each row is bold, and what is not told apart from it. ‡ stand-in data.",
    )


def _summary(labels: tuple[str, ...], random: np.random.Generator) -> TableBlock:
    rows = []
    for number, label in enumerate(labels):
        low, mean, high = sorted(random.normal(70, 10, 3))
        note = "one seed diverged" if number == 1 else None
        rows.append(
            (
                Cell(label),
                Cell(f"{mean:.1f}", value=mean, note=note),
                Cell(f"{low:.1f} to {high:.1f}"),
                Cell(str(SEEDS), value=SEEDS),
            )
        )
    table = Table(("method", "mean", "95 % interval", "n"), tuple(rows), label_column=0)
    return TableBlock("summary", "Means over tasks", table, "95 % intervals of Student's t.")


def _runs(labels: tuple[str, ...], tasks: tuple[str, ...], count: int) -> TableBlock:
    places = itertools.islice(itertools.cycle(itertools.product(tasks, labels)), count)
    rows = tuple(
        (
            Cell(f"run-{place:05}", link=f"../runs/{label}/run-{place:05}"),
            Cell(task),
            Cell(label),
            Cell("diverged" if place % 50 == 7 else "finished"),
            Cell(f"{place % 97 + 0.5:.1f}", value=place % 97 + 0.5),
            Cell("Loss became NaN at update 1,000." if place % 50 == 7 else ""),
        )
        for place, (task, label) in enumerate(places)
    )
    header = ("run", "task", "method", "status", "final score", "message")
    return TableBlock(
        "runs", "All runs", Table(header, rows, label_column=2), "Every run, also those left out."
    )


def _curves(
    labels: tuple[str, ...], tasks: tuple[str, ...], steps: int, random: np.random.Generator
) -> Figure:
    rows, runs = [], []
    for task, (place, label) in itertools.product(tasks, enumerate(labels)):
        for step in range(steps + 1):
            seeds = 20 + 6 * place + 50 * step / steps + random.normal(0, 4, SEEDS)
            mean, half = seeds.mean(), 2 * seeds.std()
            row = {"task": task, "suite": "mujoco", "label": label, "unit": "normalized"}
            row |= {"env_steps": step * 20_000, "mean": mean, "low": mean - half, "high": mean + half}
            rows.append(row | {"seeds": SEEDS, "data": ""})
            runs += [
                {"task": task, "label": label, "seed": seed, "env_steps": step * 20_000, "score": score}
                for seed, score in enumerate(seeds)
            ]
    return Figure(
        "curves-mujoco",
        "curves",
        "MuJoCo tasks",
        pd.DataFrame(rows),
        "Means over seeds with 95 % intervals, pointwise; diamonds are the pretrained policies.",
        "Score against online environment steps; TD3+ODT rises fastest on each task.",
        pd.DataFrame(runs),
    )


def _intervals(labels: tuple[str, ...], random: np.random.Generator) -> Figure:
    rows = []
    for metric, label in itertools.product(("mean", "median", "IQM", "optimality gap"), labels):
        value = random.normal(60, 12)
        row = {"scope": "mujoco (4 tasks)", "kind": "suite", "tasks": 4, "label": label, "metric": metric}
        row |= {"value": value, "low": value - 6, "high": value + 7, "seeds": SEEDS, "unit": "normalized"}
        rows.append(row)
    return Figure(
        "aggregates", "intervals", "Aggregates", pd.DataFrame(rows), "95 % intervals.", "Intervals."
    )


def _profiles(labels: tuple[str, ...]) -> Figure:
    rows = []
    for (place, label), threshold in itertools.product(enumerate(labels), np.linspace(0, 120, 25)):
        share = float(1 / (1 + np.exp((threshold - 60 - 5 * place) / 12)))
        row = {"scope": "mujoco (4 tasks)", "label": label, "threshold": threshold, "share": share}
        rows.append(row | {"low": max(0, share - 0.1), "high": min(1, share + 0.1)})
    return Figure(
        "profiles", "profiles", "Performance profiles", pd.DataFrame(rows), "Shares.", "Falling lines."
    )


def _improvement(labels: tuple[str, ...]) -> Figure:
    rows = [
        {
            "scope": "mujoco (4 tasks)",
            "method_a": a,
            "method_b": b,
            "probability": 0.6,
            "low": 0.4,
            "high": 0.8,
        }
        for a, b in itertools.combinations(labels, 2)
    ]
    return Figure(
        "improvement", "improvement", "Probability of improvement", pd.DataFrame(rows), "Pairs.", "Bars."
    )


def _efficiency(labels: tuple[str, ...], steps: int, random: np.random.Generator) -> Figure:
    rows = [
        {
            "scope": "mujoco (4 tasks)",
            "label": label,
            "x": step * 0.2,
            "IQM": value,
            "low": value - 3,
            "high": value + 3,
        }
        for place, label in enumerate(labels)
        for step in range(steps + 1)
        for value in (30 + 5 * place + 40 * step / steps,)
    ]
    return Figure(
        "efficiency-hours", "efficiency", "IQM against wall-clock time", pd.DataFrame(rows), "IQM.", "Rising."
    )


def _ablation(tasks: tuple[str, ...]) -> Figure:
    rows = []
    for task, alpha, (z, context) in itertools.product(tasks[:2], (0, 0.1, 0.3, 1), enumerate((5, 10, 20))):
        mean = 50 + 30 * alpha - 5 * z
        row = {"task": task, "method": "TD3+ODT", "x_name": "rl_coefficient", "x": alpha}
        row |= {"z_name": "eval_context_length", "z": str(context), "mean": mean}
        rows.append(row | {"low": mean - 4, "high": mean + 4, "seeds": SEEDS})
    return Figure(
        "ablation", "ablation", "Ablation of α", pd.DataFrame(rows), "Final scores.", "Lines that rise."
    )
