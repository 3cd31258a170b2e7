"""Running the command line in this process and in one of its own."""

import os
import subprocess
import sys
from typing import NamedTuple

from typer.testing import CliRunner

from vitamin.platform.cli import app

PROGRAM = "from vitamin.platform.cli import main; main()"


class Answer(NamedTuple):
    """The exit code and output of a command."""

    code: int
    stdout: str
    stderr: str


def vitamin(*arguments: object, code: int = 0) -> Answer:
    """Runs a command; it must exit with ``code`` and print no traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="vitamin")
    cause = result.exception and result.exception.__cause__
    assert result.exit_code == code, (result.exit_code, result.output, cause)
    assert "Traceback" not in result.output
    return Answer(result.exit_code, result.stdout, result.stderr)


def start(*arguments: object, program: str = "", **environment: str) -> "subprocess.Popen[str]":
    """Starts a command in a process of its own, which like the installed one has no current directory in sys.path.

    Args:
        arguments: Of the command.
        program: Runs before it in the same process.
        environment: Variables to set.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-c", f"{program}\n{PROGRAM}", *(str(argument) for argument in arguments)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def in_new_process(*arguments: object, program: str = "", **environment: str) -> Answer:
    """Runs a command in a process of its own."""
    process = start(*arguments, program=program, **environment)
    stdout, stderr = process.communicate(timeout=200)
    return Answer(process.returncode, stdout, stderr)
