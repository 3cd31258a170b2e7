import subprocess
from pathlib import Path

from vitamin.platform.experiments.versions import commit


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_is_that_of_a_repository_that_tracks_the_file(tmp_path: Path) -> None:
    file, installed = tmp_path / "package" / "module.py", tmp_path / "venv" / "module.py"
    for path in (file, installed):
        path.parent.mkdir()
        path.touch()
    assert commit(file) is None
    git(tmp_path, "init", "--quiet")
    assert commit(file) is None
    git(tmp_path, "add", "package")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    git(tmp_path, "tag", "-a", "v1", "-m", "release")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit(file) == head
    assert commit(installed) is None  # in another project's repository
    file.write_text("changed = True")
    assert commit(file) == f"{head}-dirty"


def test_without_a_file_there_is_no_commit(tmp_path: Path) -> None:
    assert commit(tmp_path / "missing" / "module.py") is None
