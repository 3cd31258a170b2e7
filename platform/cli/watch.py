"""`vitamin watch`: the report as a page on this machine, while runs go on."""

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vitamin.analysis.report.blocks import Page


def watch(
    directory: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder with run folders, at any depth.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on, 0 for a free one.")] = 0,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to serve on; any but a loopback address lets others read."
        ),
    ] = "127.0.0.1",
    every: Annotated[
        float, typer.Option(min=1.0, max=86_400.0, metavar="SECONDS", help="How often to look for changes.")
    ] = 5.0,
) -> None:
    """Serve the report as a page that follows the runs below a folder, with their progress and failures."""
    from vitamin.errors import ReportError
    from vitamin.platform.cli.watch_server import Current, WatchServer

    _check_address(host)
    if not directory.is_dir():
        raise ReportError(f"{directory} is not a directory. Give the folder that holds your runs.")

    def make(version: str) -> str:
        from vitamin.analysis.page import Live, render_page

        return render_page(watched_page(directory), live=Live(version, every))

    current = Current(lambda: files_state(directory), make, every)
    with WatchServer(host, port, current) as server:
        if not server.is_loopback:
            print("Everybody who reaches this address can read the page.")
        print(f"Watching {directory} at {server.url} (end with Ctrl-C)", flush=True)
        server.serve_forever()


def watched_page(directory: Path) -> "Page":
    """The report's page with the progress of the runs, as far as there is anything to report yet."""
    from vitamin.analysis.report.blocks import Page, Section, Text
    from vitamin.errors import ReportError, RunError
    from vitamin.platform.cli.watch_progress import progress_section

    progress = progress_section(directory)
    try:
        page = make_report(directory)
    except (ReportError, RunError, OSError) as error:
        waiting = f"Nothing to report on yet: {error} This page looks again by itself."
        page = Page(
            f"Results in {directory.resolve().name}", (Section("waiting", "Results", (Text(waiting),)),), ()
        )
    return Page(page.title, (*([progress] if progress else []), *page.sections), page.labels)


def make_report(directory: Path) -> "Page":
    """The report's page."""
    from vitamin.analysis.report.build import read
    from vitamin.analysis.report.data import ReportData
    from vitamin.analysis.report.options import ReportOptions
    from vitamin.analysis.report.sections import make_page

    return make_page(ReportData(read(directory), ReportOptions()))


def files_state(directory: Path) -> tuple[Any, ...]:
    """Names, sizes and times of the files that the page tells of."""
    from vitamin.analysis.folders import walk
    from vitamin.analysis.schema import EVALUATIONS_FILE, METRICS_FILE, RUN_FILE, SWEEP_FILE

    names = {EVALUATIONS_FILE, METRICS_FILE, RUN_FILE, SWEEP_FILE}
    state = []
    for folder, subfolders, files in walk(directory, lambda _: None):
        if RUN_FILE in files:
            subfolders.clear()
        for file in sorted(names.intersection(files)):
            try:
                status = (folder / file).stat()
            except OSError:  # removed meanwhile
                continue
            state.append((str(folder), file, status.st_size, status.st_mtime_ns))
    return tuple(state)


def _check_address(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise typer.BadParameter(
            f"{host!a:.60} is no address; 127.0.0.1 is this machine alone, 0.0.0.0 lets others read.",
            param_hint="--host",
        ) from error
