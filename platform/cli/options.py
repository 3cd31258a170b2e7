"""Arguments and options that several commands have."""

from typing import Annotated

import typer

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="RESULTS…",
        help="Folders with run folders at any depth, files of `vitamin export`, or URIs such as s3://bucket/results.",
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(help="Only these tasks, by commas or repeated; hopper-* stands for several."),
]
Methods = Annotated[
    list[str] | None, typer.Option(help="Only these methods, such as td3_odt,odt; in the same way.")
]
AtSteps = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="STEPS",
        help="Compare finals at this number of online steps [default: the largest common].",
    ),
]
Final = Annotated[
    str,
    typer.Option(
        metavar="last|mean:K|best",
        help="Final score: of the last evaluation, the mean of the last K, or the best one.",
    ),
]
Unfinished = Annotated[
    bool,
    typer.Option(
        "--include-unfinished", help="Count running, stopped and failed runs with their last score."
    ),
]
Reps = Annotated[int, typer.Option(min=1, max=100_000, help="Bootstrap resamples of the intervals.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the resampling.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print messages and the end only.")]
