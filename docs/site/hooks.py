"""Hooks of mkdocs: pages from outside docs/, links to files that are no pages, the modules.

Links in Markdown files are those of the repository, where people read them too. On the site a link to a page goes to
that page, and one to a source to ``source_url`` if that is set, else to a copy of the file as text on the site itself.
"""

import posixpath
import re
import shutil
from pathlib import Path
from typing import Literal

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "build" / "sources"
DOCS = "docs"
ADOPTED = {
    "start.md": "README.md",
    "contributing.md": ".github/CONTRIBUTING.md",
    "image.md": "docker/README.md",
}
"""Pages of the site that lie elsewhere in the repository."""
_LINK = re.compile(r"\[(?P<text>[^\]\[]*)\]\((?P<open><?)(?P<to>[^)\s<>#]*)(?P<anchor>#[^)\s<>]*)?>?\)")
_FENCE = re.compile(r"^(```|~~~)")


def on_startup(command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
    """Makes the tree that docstrings are read from, for griffe with an ``__init__.py`` in platform/ too."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    package = SOURCES / "vitamin"
    (package / "platform").mkdir(parents=True)
    (package / "platform" / "__init__.py").touch()
    for folder, into in ((ROOT / "vitamin", package), (ROOT / "platform", package / "platform")):
        for entry in folder.iterdir():
            if not (into / entry.name).exists():
                (into / entry.name).symlink_to(entry.resolve())


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie elsewhere."""
    for uri, place in ADOPTED.items():
        files.append(File.generated(config, uri, content=(ROOT / place).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with the links that the site has."""
    uri = page.file.src_uri
    origin = ADOPTED.get(uri, posixpath.join(DOCS, uri))
    lines, in_code = [], False
    for line in markdown.splitlines():
        in_code ^= bool(_FENCE.match(line))
        lines.append(
            line if in_code else _LINK.sub(lambda found: _linked(found, uri, origin, config, files), line)
        )
    return "\n".join(lines)


def _linked(found: re.Match[str], uri: str, origin: str, config: MkDocsConfig, files: Files) -> str:
    """A link of the file ``origin`` as the page ``uri`` has it; its text alone if the site has nothing to show."""
    to = found["to"]
    if not to or ":" in to:
        return found[0]
    place = posixpath.normpath(posixpath.join(posixpath.dirname(origin), to))
    if (ROOT / place / "README.md").is_file():
        place = posixpath.join(place, "README.md")
    target = _target(place, config, files)
    if target is None:
        return found["text"]
    if ":" not in target:
        target = posixpath.relpath(target, posixpath.dirname(uri) or ".")
    return f"[{found['text']}](<{target}{found['anchor'] or ''}>)"


def _target(place: str, config: MkDocsConfig, files: Files) -> str | None:
    """Where the site has a file of the repository: a path on it, an address, or None."""
    for uri, adopted in ADOPTED.items():
        if place == adopted:
            return uri
    inside = posixpath.relpath(place, DOCS)
    if files.get_file_from_path(inside) is not None:
        return inside
    address = config.extra["source_url"]
    if address:
        return f"{address.rstrip('/')}/{place}"
    if not (ROOT / place).is_file():
        return None if (ROOT / place).exists() else inside  # mkdocs says what is missing
    uri = f"source/{place}.txt"
    if files.get_file_from_path(uri) is None:
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / place)))
    return uri
