"""`vitamin figure`: figures of the paper that need no data and no environment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vitamin.platform.figures import FigureFiles

app = typer.Typer(
    help="Figures of the paper that need no data: the single-state MDP, the theory.", no_args_is_help=True
)

Seeds = Annotated[int, typer.Option(min=1, max=1000, help="Seeds 0, 1, … of each method.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the picture and its numbers.")]

_FOLDER = Path("results/figures")


@app.command("single-state-mdp")
def single_state_mdp(seeds: Seeds = 20, out: Out = _FOLDER) -> None:
    """Fig. 1 and 2: ODT, DDPG and ODT+DDPG where the offline data misses the optimum."""
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.figures import single_state_mdp as make

    with progress_display("Runs") as progress:
        made = make(out, seeds=seeds, progress=progress)
    _print("Single-state MDP: reward of the final policy; the optimum is 1", made)


@app.command("theory")
def theory(seeds: Seeds = 10, out: Out = _FOLDER) -> None:
    """§3.3: conditioning on a high return is AWAC's update, needs rare data, and stalls."""
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.figures import theory as make

    with progress_display("Policies") as progress:
        made = make(out, seeds=seeds, progress=progress)
    _print("The theory of §3.3", made)


def _print(title: str, made: "FigureFiles") -> None:
    from vitamin.platform.cli.output import print_table

    print_table(title, made.table.header, [[cell.text for cell in row] for row in made.table.rows])
    print()
    print(f"Figure: {', '.join(map(str, made.pictures))}")
    print(f"Numbers: {made.means}, of each seed: {made.seeds}")
