"""All benchmarks in turn: ``python -m benchmarks``. About ten minutes on two cores."""

import subprocess
import sys

NAMES = ("sampling", "rollout", "update", "checkpoint", "iteration", "report")


def main() -> int:
    """Runs each benchmark in a process of its own, so that peak memory is its own; the worst exit code."""
    codes = []
    for name in NAMES:
        print(f"=== {name}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
