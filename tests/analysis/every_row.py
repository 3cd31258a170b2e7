"""A folder of results with everything in it that makes comparisons unfair, or a reader stumble."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.analysis.run_folders import REFERENCE, write_run, write_sweep
from vitamin.analysis.schema import EVALUATIONS_FILE, RUN_FILE, DatasetInfo, ReferenceScores

HOPPER, CHEETAH, ANT, MAZE, OWN = (
    "hopper-medium-v2",
    "halfcheetah-medium-v2",
    "ant-medium-v2",
    "maze2d-umaze-v1",
    "Pendulum-v1",
)
STAND_IN = DatasetInfo(
    path="/data/like.hdf5",
    fingerprint="sha256:aaaabbbbcccc",
    trajectories=4,
    steps=9,
    label="stand-in: random policy in HalfCheetah-v4",
)


def _started(minute: int) -> datetime:
    return datetime(2026, 1, 2, 3, minute, tzinfo=UTC)


def write_every_row(directory: Path) -> None:
    """Writes the runs; what each is for stands beside it."""
    # Other budgets: ODT goes on to 5 000 steps, TD3+ODT to 3 000; one seed of it was continued to 4 000.
    for seed, final in enumerate((40.0, 42.0, 44.0)):
        steps = 4000 if seed == 2 else 3000
        curve = {0: 10.0, 1000: 20.0, 2000: 30.0, 3000: final, **({4000: 99.0} if seed == 2 else {})}
        write_run(
            directory / f"td3_odt-hopper-{seed}",
            curve,
            seed=seed,
            online_steps=steps,
            overrides={"online_steps": steps},
        )
    for seed, final in enumerate((12.0, 14.0, 16.0)):
        write_run(
            directory / f"odt-hopper-{seed}",
            {0: 11.0, 1000: 11.0, 2000: 12.0, 3000: final, 4000: 50.0, 5000: 60.0},
            method="odt",
            seed=seed,
            online_steps=5000,
            overrides={"online_steps": 5000, "learner_threads": 2},
        )
    # A seed that diverged before its first online evaluation, and one that diverged and was run again.
    write_run(
        directory / "td3-hopper-0",
        [15.0],
        method="td3",
        status="diverged",
        message="loss is NaN",
        online_steps=3000,
    )
    write_run(
        directory / "td3-hopper-1",
        {0: 14.0, 1000: 5.0},
        method="td3",
        seed=1,
        status="diverged",
        online_steps=3000,
        started=_started(1),
    )
    write_run(
        directory / "td3-hopper-1-again",
        [14.0, 60.0, 70.0, 80.0],
        method="td3",
        seed=1,
        online_steps=3000,
        started=_started(2),
    )
    # A failed run and its rerun; a run that was stopped; one that is running.
    write_run(
        directory / "td3-hopper-2",
        [14.0, 20.0],
        method="td3",
        seed=2,
        status="failed",
        message="out of memory",
        online_steps=3000,
        started=_started(1),
    )
    write_run(
        directory / "td3-hopper-2-again",
        [14.0, 20.0, 25.0, 30.0],
        method="td3",
        seed=2,
        online_steps=3000,
        started=_started(2),
    )
    write_run(
        directory / "td3-hopper-3", [14.0, 20.0], method="td3", seed=3, status="stopped", online_steps=3000
    )
    write_run(directory / "td3-hopper-4", [14.0], method="td3", seed=4, status="running", online_steps=3000)
    # Other numbers of seeds on another task, on data that stands in.
    for method, finals in (("td3_odt", (50.0, 54.0)), ("odt", (20.0, 24.0, 28.0)), ("td3", (30.0, 31.0))):
        for seed, final in enumerate(finals):
            write_run(
                directory / f"{method}-cheetah-{seed}",
                [0.0, 10.0, 10.0, final],
                task=CHEETAH,
                method=method,
                seed=seed,
                dataset=STAND_IN,
                online_steps=3000,
            )
    # A method and a sweep on one task only.
    write_run(directory / "iql-hopper-0", [20.0, 20.0, 20.0, 21.0], method="iql", online_steps=3000)
    # References that differ, and a task that has none.
    write_run(directory / "td3_odt-ant-0", [1.0, 2.0], task=ANT, online_steps=1000)
    write_run(
        directory / "odt-ant-0",
        [1.0, 2.0],
        task=ANT,
        method="odt",
        reference_scores=ReferenceScores(min=0.0, max=2000.0),
        online_steps=1000,
    )
    for method in ("td3_odt", "odt"):
        write_run(
            directory / f"{method}-own-0",
            [-900.0, -300.0],
            task=OWN,
            method=method,
            reference_scores=None,
            online_steps=1000,
        )
    # An unfinished run without references where the others have them.
    write_run(
        directory / "td3_odt-cheetah-9",
        [0.0, 10.0],
        task=CHEETAH,
        seed=9,
        dataset=STAND_IN,
        status="running",
        reference_scores=None,
        online_steps=3000,
    )
    # A goal.
    for method, successes in (("td3_odt", (1, 1)), ("odt", (0, 1))):
        for seed in (0, 1):
            write_run(
                directory / f"{method}-maze-{seed}",
                [1.0, 60.0 + seed],
                task=MAZE,
                method=method,
                seed=seed,
                successes=successes,
                online_steps=1000,
            )
    # Damage: a NaN episode, an infinite one, a torn last evaluation, a later schema, no JSON.
    for name, seed, damage in (
        ("nan", 5, lambda text: text.rsplit("\n", 2)[0] + "\nonline,4,3000,1200,3.6,1,nan,50,nan,\n"),
        ("infinite", 6, lambda text: text.rsplit("\n", 2)[0] + "\nonline,4,3000,1200,3.6,1,-inf,50,-inf,\n"),
        ("torn", 7, lambda text: text.rsplit("\n", 2)[0] + "\nonline,4,3000,12"),
    ):
        folder = directory / f"odt-hopper-{name}"
        write_run(folder, [11.0, 11.0, 12.0, 13.0], method="odt", seed=seed, online_steps=3000)
        file = folder / EVALUATIONS_FILE
        file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    for name in ("future", "damaged"):
        write_run(directory / name, [11.0, 12.0], seed=8)
    future = directory / "future" / RUN_FILE
    content = json.loads(future.read_text(encoding="utf-8")) | {"schema_version": 99}
    future.write_text(json.dumps(content), encoding="utf-8")
    (directory / "damaged" / RUN_FILE).write_text("{", encoding="utf-8")
    # A trial that never started, and a link to a run elsewhere.
    write_sweep(directory, "td3_odt-hopper-0", "never-started")
    elsewhere = directory.parent / f"{directory.name}-elsewhere"
    write_run(elsewhere / "td3_odt-hopper-3", [10.0, 20.0, 30.0, 46.0], seed=3, online_steps=3000)
    (directory / "link").symlink_to(elsewhere, target_is_directory=True)
    assert REFERENCE.max == 1000


if __name__ == "__main__":
    write_every_row(Path(sys.argv[1]))
