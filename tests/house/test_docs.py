"""Paths and names in the documentation exist, and the code that it shows runs."""

import ast
import re
from pathlib import Path

import pytest
import typer

from tests.platform.dataset_files import toy_arrays, write_file
from vitamin.errors import DatasetError
from vitamin.platform.cli import app
from vitamin.platform.sweeps import shipped_specs

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("docs/*/*.md")])
FOLDERS = "algorithms|analysis|benchmarks|docker|docs|platform|tests|tune_specs|vitamin"
PLACE = re.compile(rf"(?<![\w/.:-])(?:{FOLDERS})/[\w./-]*[\w/]")
ENDS = ("", "-runs.csv")  # of an export a page names what its files have in common
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"(?:^|[ /`])vitamin ((?:train|evaluate|sweep|report|compare|export|embed|tasks|data \w+|figure [\w-]+)\b[^`\n]*)"
)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".rayignore"], ids=named
)
def test_places_in_the_project_exist(page: Path) -> None:
    places = {place.rstrip("/") for place in PLACE.findall(page.read_text())}
    assert [place for place in sorted(places) if not any(ROOT.glob(f"{place}{end}") for end in ENDS)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!<?https?:|#)<?([^)#<>]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / "tune_specs").glob("*.yaml"))], ids=named)
def test_commands_have_the_options_and_specifications_that_are_shown(page: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in COMMAND.findall(page.read_text()):
        words = re.sub(r"\s+#.*", "", line).split()
        command = commands[words.pop(0)]
        if hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        unknown = {word.strip("[]") for word in words if word.lstrip("[").startswith("--")} - options
        assert not unknown, line
        if command.name == "sweep" and words and words[0] not in ("SPEC", "SPEC.yaml"):
            assert (ROOT / words[0]).is_file() or words[0] in shipped_specs(), line


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path))
    (code,) = (
        text for language, text in BLOCK.findall((ROOT / "README.md").read_text()) if language == "python"
    )
    *preparation, building, printing = ast.parse(code).body
    assert "build_algo()" in ast.unparse(building)
    assert ".train()" in ast.unparse(printing)
    program = compile(ast.Module(preparation, []), "README.md", "exec")
    with pytest.raises(DatasetError, match="vitamin data fetch hopper-medium-v2"):
        exec(program, {})
    write_file(tmp_path / "hopper_medium-v2.hdf5", toy_arrays())
    names: dict[str, object] = {}
    exec(program, names)
    config = names["config"]
    config.validate()  # type: ignore[attr-defined]
