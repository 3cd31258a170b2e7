"""The names that `import vitamin` offers, and the modules that it does not load."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import vitamin

HEAVY = ("torch", "ray", "gymnasium", "h5py", "pandas", "matplotlib", "pyarrow", "scipy")


def run(program: str) -> list[str]:
    """Lines that `program` prints in a fresh interpreter; the last names the heavy libraries it loaded."""
    report = f"import sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    command = [sys.executable, "-c", f"{program}\n{report}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\n")[:-1]


def test_public_names_are_what_they_claim() -> None:
    assert vitamin.get_task("hopper-medium-v2").name == "hopper-medium-v2"
    assert {"td3_odt", "odt"} <= set(vitamin.METHODS)
    assert vitamin.Hyperparameters().discount == 0.99
    assert callable(vitamin.load_dataset)
    assert callable(vitamin.load_results)
    assert callable(vitamin.TD3ODTConfig().build_algo)


def test_all_public_names_are_listed_and_resolve() -> None:
    assert set(dir(vitamin)) == set(vitamin.__all__)
    assert all(getattr(vitamin, name) is not None for name in vitamin.__all__)


def test_unknown_names_raise() -> None:
    with pytest.raises(AttributeError, match="TD4ODTConfig"):
        vitamin.TD4ODTConfig  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    assert run("import vitamin; vitamin.__version__") == [""]


def test_version_command_prints_the_version_and_loads_nothing_heavy() -> None:
    printed, heavy = run("""
import sys
from vitamin.platform.cli import main
sys.argv = ["vitamin", "--version"]
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
""")
    assert vitamin.__version__ in printed
    assert heavy == ""


def test_installed_version_is_the_package_s() -> None:
    assert version("vitamin") == vitamin.__version__
