"""The columns of ``Scores.frame``, which is ``scores.csv`` beside a report."""

from typing import Final

from vitamin.analysis.schema import Column

SCORE_COLUMNS: Final = (
    Column("run", "str", "key of the run: its folder, relative to the results"),
    Column("task", "str", "its task"),
    Column("suite", "str", "`mujoco`, `adroit`, `antmaze`, `maze2d` or `other`"),
    Column("method", "str", "its method, such as `TD3+ODT`"),
    Column("label", "str", "the method, and the settings that tell its experiments apart"),
    Column("seed", "int64", "its seed"),
    Column("status", "str", "as in run.json"),
    Column("unit", "str", "of the scores, the same on the whole task: `normalized` or `return`"),
    Column("data", "str", "what its data is when it is not the task's published dataset, else empty"),
    Column("started", "datetime64[ns, UTC]", "when it was first started"),
    Column("budget", "float64", "online steps that it was given"),
    Column("end_steps", "int64", "online steps at its last online evaluation, 0 without"),
    Column("at_steps", "float64", "online steps at which its task is compared; empty if no run on it counts"),
    Column(
        "final_steps", "float64", "online steps at the evaluation that counts, 0 if it is the pretrained one"
    ),
    Column("pretrained", "float64", "score of the pretrained policy"),
    Column("final", "float64", "final score"),
    Column("change", "float64", "final - pretrained"),
    Column("success", "float64", "success rate of the final score's evaluations; empty if there is no goal"),
    Column("own_final", "float64", "as final, but at the run's own end"),
    Column("area", "float64", "mean score over the online steps up to at_steps"),
    Column("regret", "float64", "100 - area; empty for returns"),
    Column("left_out", "str", "why the run does not count in the statistics; empty if it does"),
)
"""In the order of the file."""
