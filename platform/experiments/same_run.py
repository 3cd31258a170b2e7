"""Whether the run in a folder is the one that is asked for."""

from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import yaml

from vitamin.analysis import schema
from vitamin.analysis.manifest import changed_files
from vitamin.analysis.schema import RunInfo
from vitamin.errors import RunError, SettingsError, VitaminError
from vitamin.platform.experiments.comparison import differences
from vitamin.platform.experiments.manifest import ManifestWriter
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.yaml_files import load_yaml


def holds_run(path: Path) -> bool:
    """Whether a run was started in the folder."""
    return (path / schema.RUN_FILE).exists()


def finished_run(path: Path, spec: ExperimentSpec) -> RunInfo | None:
    """The run in the folder, if it is finished and ``spec`` asks for no more online steps than it has made.

    Raises:
        RunError: If the folder holds another run, or files that cannot be read.
    """
    if not holds_run(path):
        return None
    info = RunInfo.read(path)
    if info.status != "finished":
        return None
    before = started_as(path, spec).hyperparameters().online_steps
    return info if spec.hyperparameters().online_steps <= before else None


def check_same_run(
    path: Path, spec: ExperimentSpec, data: Path, fingerprint: str, *, resume: bool = True
) -> None:
    """Compares the run in the folder, if there is one, with what is asked for, and then its data.

    To be called with ``spec`` as it is before `ExperimentSpec.with_data`: what other data would make of the settings
    that are left to them is no change of settings.

    Raises:
        RunError: If they differ, files cannot be read, or there is a run and ``resume`` is false.
    """
    if not holds_run(path):
        return
    if resume and schema.CONFIG_FILE not in changed_files(path, checkpoints=False):
        started_as(path, spec, open_to_data=spec.open_to_data())
    try:
        before = RunInfo.read(path).dataset
    except RunError as error:
        raise RunError(f"The run in {path} cannot be continued. {error} Choose another --out.") from error
    other_data = before is not None and before.fingerprint != fingerprint
    if not resume:
        refuse(path, spec, f"its data is {before.path}" if before is not None and other_data else None)
    if before is not None and other_data:
        raise RunError(
            f"{path} was started on other data ({before.path}); {data} differs. "
            "Resume with --data and the original file."
        )


def refuse(path: Path, spec: ExperimentSpec, data: str | None) -> NoReturn:
    """Says how the run that is in the folder differs from the one that was to start there."""
    try:
        started = read_config(path / schema.CONFIG_FILE)
        changes = differences(started, spec, open_to_data=spec.open_to_data())
    except VitaminError:
        changes = []
    if changes or data:
        changes += [data] if data else []
        raise RunError(f"{path} already holds another run ({'; '.join(changes)}). Choose another --out.")
    raise RunError(f"{path} already holds a run. Continue it with --resume, or choose another --out.")


def started_as(path: Path, spec: ExperimentSpec, *, open_to_data: Collection[str] = ()) -> ExperimentSpec:
    """The spec that the run in the folder was started with.

    Raises:
        RunError: If that and ``spec`` lead to different results, or it cannot be read.
    """
    if ManifestWriter(path).expects(schema.CONFIG_FILE, config_text(spec)):
        return spec  # whatever happened to the file
    file = path / schema.CONFIG_FILE
    try:
        started = read_config(file)
        if schema.CONFIG_FILE in changed_files(path, checkpoints=False):
            _check_complete(file, started)
    except SettingsError as error:
        raise RunError(f"The run in {path} cannot be continued. {error}") from error
    if changes := differences(started, spec, open_to_data=open_to_data):
        raise RunError(
            f"{path} holds another run ({'; '.join(changes)}). Resume it with its own settings; "
            "only the number of processes and threads, the checkpoint interval and online_steps may change."
        )
    return started


def _check_complete(file: Path, spec: ExperimentSpec) -> None:
    """Checks that a file that changed is not just the rest of what the run wrote: defaults are not its settings.

    Raises:
        SettingsError: If it lacks settings.
    """
    content = load_yaml(file.read_text(encoding="utf-8"))
    complete = spec.resolved()
    missing = [name for name in complete if name not in content]
    missing += [
        name for name in complete["hyperparameters"] if name not in content.get("hyperparameters", {})
    ]
    if missing:
        raise SettingsError(
            f"{file} changed since the run wrote it and lacks {', '.join(missing[:3])}{' …' * (len(missing) > 3)}. "
            "Resume with the TASK and all options that the run was started with."
        )


def config_text(spec: ExperimentSpec) -> str:
    """The content of ``config.yaml``."""
    text: str = yaml.safe_dump(spec.resolved(), sort_keys=False)
    return text
