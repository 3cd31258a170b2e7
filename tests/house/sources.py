"""The project's own source files, as modules."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("vitamin", "platform", "algorithms", "analysis")


def module_files() -> dict[str, Path]:
    """File by name of every module; the links in vitamin/ are not followed."""
    files = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if not any((ROOT / Path(*parts[:depth])).is_symlink() for depth in range(1, len(parts))):
                parts = parts if folder == "vitamin" else ("vitamin", *parts)
                files[".".join(parts).removesuffix(".__init__")] = path
    return files
