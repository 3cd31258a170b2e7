"""The schema in prose: ``python -m vitamin.analysis.schema_docs > docs/results-schema.md``."""

import sys
from collections.abc import Iterable

from pydantic import BaseModel

from vitamin.analysis import schema
from vitamin.analysis.columns import EVALUATION_MEANS, RUN_COLUMNS, TIMING_COLUMNS
from vitamin.analysis.exports import layout
from vitamin.analysis.manifest import FileState
from vitamin.analysis.report.columns import CSV_COLUMNS

_FILES = (
    (schema.RUN_FILE, "what was run, on what, and how it ended"),
    (schema.MANIFEST_FILE, "digests of the files, by which damage is seen"),
    (schema.CONFIG_FILE, "every setting, resolved; can be fed back to `vitamin train`"),
    (schema.METRICS_FILE, "one JSON object a line for each iteration"),
    (schema.EVALUATIONS_FILE, "one row for each evaluation episode"),
    (f"{schema.CHECKPOINTS_FOLDER}/", "one folder for each checkpoint, named by its iteration in 8 digits"),
    (f"{schema.TENSORBOARD_FOLDER}/", "TensorBoard events, the same numbers once more"),
)

_INTRODUCTION = f"""\
# Run folders

<!-- Generated from analysis/schema.py and analysis/columns.py by `python -m vitamin.analysis.schema_docs`. -->

Schema version {schema.SCHEMA_VERSION}. `vitamin train` writes run folders, `vitamin report DIR` finds
run folders below DIR at any depth. A sweep's folder holds the run folders of its trials and
`{schema.SWEEP_FILE}`, its specification and list of trials.

"""

_CHECKPOINTS = """\
The two newest are kept, and that of the end of pretraining: `vitamin evaluate RUN --checkpoint pretrained`.
Acting needs one checkpoint, such as `checkpoints/00000120/`, `run.json` and `config.yaml`, neither the dataset nor
Ray: `vitamin evaluate RUN` works where only these were copied. Nothing in a checkpoint is pickled but
`class_and_ctor_args.pkl`, which `Algorithm.from_checkpoint` alone reads; it also asks for `algorithm_state.msgpack`,
which is empty.

| File | Content |
| --- | --- |
| `tensors.safetensors` | `module/…`: weights and observation statistics; `optimizer/…`: moments |
| `replay.safetensors` | the online trajectories and the slot table of the replay |
| `state.json` | task, method, hyperparameters, counters |
| `manifest.json` | digests of the files |

A policy sees `(observation - mean) / std`, computed in float64 and then made float32, with the statistics of all
offline observations, 1e-6 added to the deviation; without `amplify_constant_observations` the `std` of what is constant
in the data is 1. They lie in `tensors.safetensors` as `module/observation_mean` and `module/observation_std`, float64
(S,) each (float32 in older checkpoints):

```python
from safetensors.numpy import load_file

tensors = load_file("RUN/checkpoints/00000120/tensors.safetensors")
mean, std = tensors["module/observation_mean"], tensors["module/observation_std"]
```
"""

_MANIFEST = f"""\
Written with each checkpoint, at the end, and before `{schema.RUN_FILE}` or `{schema.CONFIG_FILE}` is replaced, so
that a kill at any moment leaves every file in a state that is listed. `files` maps paths to the states that a file may
be in: one, or that before and that after a replacement. `{schema.METRICS_FILE}` and `{schema.EVALUATIONS_FILE}` may
have grown since, unless the run has finished. `vitamin train --resume`, `sweep --resume`, `report` and `evaluate` name
what does not agree, and use the rest; `report` looks at no checkpoint, and a run whose `{schema.RUN_FILE}` changed
does not count in it. Runs of earlier versions have no such file.

"""

_READING = """\
A line of `metrics.jsonl` or `evaluations.csv` counts once its newline is written: readers drop a last line without one,
which is what a killed run may leave. Lines that cannot be read are named and left out; so is an evaluation whose
episodes do not have the mean that `metrics.jsonl` gives, one with an episode that is not finite, and a last one that
lacks episodes. A normalized score that is missing is computed where `run.json` has reference scores. `run.json` is
replaced as a whole, so it is never half written. A killed run keeps the status `running`; one that Ctrl-C, SIGTERM or
the end of its sweep stopped has `stopped` and goes on with `--resume`.

Later versions may add keys and columns within a schema version; readers ignore those they do not know. When a
name changes its meaning or goes away, the version rises, and readers of the old one ask for an upgrade.
"""
_PYTHON = """\
`vitamin.load_results` reads all runs at or below one or several folders into pandas frames:

```python
import vitamin

results = vitamin.load_results("results")  # or several; or a URI of a store, such as "s3://bucket/results"
online = results.evaluations[results.evaluations["phase"] == "online"]
last = online.groupby("run", observed=True).last()["normalized_score"]
print(results.runs.set_index("run")[["task", "method", "seed"]].join(last))
```

What is damaged is left out, as below, and named in `results.warnings` (runs that cannot be read) and `results.damages`
(files of which a part is read). `results.shortened` holds the runs whose last evaluation may be lost, `results.altered`
those whose `run.json` changed, `results.missing` the trials of sweeps without a run. `results.settings(run)` is the
content of `config.yaml`, `results.infos[run]` that of `run.json`.

Of URIs the small files are copied to a temporary folder first. PyArrow reads `s3://` and `gs://`; for others install
the package of fsspec that knows them. Types are those of numpy; `time` is a timestamp in UTC, `category` pandas' type.
"""
_FRAMES = (
    ("results.runs", "a row for each run", RUN_COLUMNS),
    ("results.evaluations", "a row for each evaluation, the means over its episodes", EVALUATION_MEANS),
    ("results.timing()", "a row for each run: where its time went", TIMING_COLUMNS),
)
_MORE_FRAMES = """\
`results.episodes()` has a row for each episode, `results.metrics()` one for each line of metrics, of all runs or of
those that are given: `run` and the columns and keys of the files, which are described above. A metric that a line lacks
is NaN.
"""
_EXPORTS = f"""\
`vitamin export RESULTS --out DIR/NAME` writes runs, their settings and their evaluations to two small files that can be
committed: `NAME{layout.RUNS}`, a row for each run, and `NAME{layout.EVALUATIONS}`, one for each evaluation. Hosts, the
machine's paths, metrics, checkpoints and damaged evaluations are not in them. `vitamin report`, `vitamin compare` and
`vitamin.load_results` read `NAME{layout.RUNS}`, or a folder of such files, as they read run folders, and come to the
same numbers; `results.metrics()` has one line of each run, its counts. The same runs give the same bytes.

A cell is JSON; a text stands as it is unless it could be taken for JSON. An empty cell: not known, or not set.
"""


def schema_markdown() -> str:
    """The documentation of the run-folder schema in Markdown."""
    sections = [
        _INTRODUCTION + _table(("File", "Content"), ((f"`{name}`", text) for name, text in _FILES)),
        f"## {schema.RUN_FILE}\n\n" + _model_table(schema.RunInfo),
        "`dataset`:\n\n" + _model_table(schema.DatasetInfo),
        "`machine`:\n\n" + _model_table(schema.MachineInfo),
        "`reference_scores`:\n\n" + _model_table(schema.ReferenceScores),
        "`time`:\n\n" + _model_table(schema.RunTime),
        f"## {schema.MANIFEST_FILE}\n\n" + _MANIFEST + _model_table(FileState),
        f"## {schema.EVALUATIONS_FILE}\n\n" + _column_table("Column", schema.EVALUATION_COLUMNS),
        f"## {schema.METRICS_FILE}\n\n"
        "A key that does not apply to a method or an iteration is missing. Keys below "
        f"`{schema.TIME_PREFIX}` are the only ones in which a run and its resumed twin differ.\n\n"
        + _column_table("Key", schema.METRIC_KEYS),
        f"## {schema.CHECKPOINTS_FOLDER}/\n\n" + _CHECKPOINTS,
        "## From Python\n\n" + _PYTHON,
        *(f"`{name}`: {rows}.\n\n" + _column_table("Column", columns) for name, rows, columns in _FRAMES),
        _MORE_FRAMES,
        "## Reading\n\n" + _READING,
        _export_files(),
        _report_files(),
    ]
    return "\n".join(sections)


def _export_files() -> str:
    """The CSV files that `vitamin export` writes."""
    return "\n".join(
        (
            "# Exports\n\n" + _EXPORTS,
            f"## NAME{layout.RUNS}\n\n" + _column_table("Column", layout.RUN_COLUMNS),
            f"## NAME{layout.EVALUATIONS}\n\n" + _column_table("Column", layout.EVALUATION_COLUMNS),
        )
    )


def _report_files() -> str:
    """The CSV files that `vitamin report` writes."""
    introduction = (
        "# Files of a report\n\n`vitamin report` writes these beside its page: what the page says is what they hold. "
        "A number that is not known is empty.\n"
    )
    tables = (f"## {name}\n\n" + _column_table("Column", columns) for name, columns in CSV_COLUMNS.items())
    return "\n".join((introduction, *tables))


def _model_table(model: type[BaseModel]) -> str:
    rows = ((f"`{name}`", field.description or "") for name, field in model.model_fields.items())
    return _table(("Key", "Meaning"), rows)


def _column_table(first: str, columns: Iterable[schema.Column]) -> str:
    rows = ((f"`{column.name}`", column.dtype, column.description) for column in columns)
    return _table((first, "Type", "Meaning"), rows)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(schema_markdown())
