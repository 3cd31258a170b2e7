"""The files that GitHub reads: valid, safe, and of this project. No test says that a workflow ran."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import vitamin

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(file for file in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if file.name != "config.yml")


def run(tool: str, *arguments: object) -> None:
    """Runs a tool of the environment that the tests run in; its complaints are the assertion's message."""
    program = shutil.which(tool, path=Path(sys.executable).parent)
    if program is None:
        pytest.skip(f"{tool} is not installed")
    result = subprocess.run(
        [program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def workflow(name: str) -> dict[str, Any]:
    """A workflow by the name of its file."""
    content: dict[str, Any] = yaml.safe_load(
        (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    )
    return content


def steps(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of all jobs of a workflow."""
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [GITHUB / "ISSUE_TEMPLATE/config.yml"]),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_are_what_their_schema_says(schema: str, files: list[Path]) -> None:
    assert files
    run("check-jsonschema", "--builtin-schema", schema, *files)


def test_workflows_pass_the_audit_of_their_security() -> None:
    run("zizmor", "--offline", "--no-progress", GITHUB)


def test_hooks_are_valid_and_run_the_tools_that_make_lint_runs() -> None:
    file = GITHUB / "pre-commit-config.yaml"
    run("pre-commit", "validate-config", file)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(file.read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert f"$(BIN)/{Path(hook['entry'].split()[0]).name}" in makefile, hook["id"]


def test_workflows_call_targets_of_the_makefile() -> None:
    targets = set(
        re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    called = {
        name
        for file in WORKFLOWS
        for step in steps(workflow(file.stem)["jobs"])
        for name in re.findall(r"^\s*make ([\w-]+)", step.get("run", ""), re.MULTILINE)
    }
    assert called >= {"check", "quickstart", "nightly", "docs", "dist"}
    assert called <= targets


def test_every_supported_python_is_checked_on_both_systems() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    matrix = workflow("check")["jobs"]["check"]["strategy"]["matrix"]
    assert project["requires-python"] == f">={matrix['python'][0]}"
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos"}


@pytest.mark.parametrize(
    ("tag", "changelog", "passes"),
    [
        (vitamin.__version__, vitamin.__version__, True),
        ("99.0.0", "99.0.0", False),
        (vitamin.__version__, "Unreleased", False),
    ],
    ids=["version and changelog", "another version", "no entry in the changelog"],
)
def test_a_release_needs_its_version_and_an_entry_in_the_changelog(
    tmp_path: Path, tag: str, changelog: str, passes: bool
) -> None:
    (script,) = (step["run"] for step in steps(workflow("release")["jobs"]) if "sed" in step.get("run", ""))
    for folder in ("vitamin", "docs"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "vitamin/__init__.py", tmp_path / "vitamin")
    (tmp_path / "docs/changelog.md").write_text(
        f"# Changelog\n\n## {changelog} (2026-11-27)\n", encoding="utf-8"
    )
    environment = os.environ | {"GITHUB_REF_NAME": f"v{tag}"}
    result = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=False)
    assert (result.returncode == 0) == passes


def test_the_changelog_has_a_heading_for_what_comes_next() -> None:
    headings = re.findall(r"^## (.*)", (ROOT / "docs/changelog.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", heading) for heading in headings[1:])
