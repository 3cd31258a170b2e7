"""Printing a page to PDF, by a browser that is installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from vitamin.errors import ReportError

_NAMES: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
_MAC: Final = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_PATIENCE_S: Final = 180
_PAGE_TIME_MS: Final = 60_000
"""Of the page's own clock, which runs ahead while nothing happens: charts are drawn within it."""


def find_browser() -> str | None:
    """The program of an installed Chromium or Chrome, None if there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or (str(_MAC) if _MAC.exists() else None)


def print_page(html: Path, pdf: Path) -> Path:
    """Prints a page to a PDF.

    Args:
        html: The page.
        pdf: The file to write.

    Raises:
        ReportError: If no browser is installed, or it does not print the page.
    """
    browser = find_browser()
    if browser is None:
        raise ReportError(
            "Printing to PDF needs Chromium or Chrome, and none is installed: `apt-get install chromium` on Debian and "
            "Ubuntu. Or open the page in any browser and print it."
        )
    with tempfile.TemporaryDirectory(prefix="vitamin-print-", ignore_cleanup_errors=True) as profile:
        made = Path(profile) / "page.pdf"
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={profile}",
            f"--virtual-time-budget={_PAGE_TIME_MS}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={made}",
            html.resolve().as_uri(),
        ]
        if os.geteuid() == 0:  # as which Chromium starts without its sandbox only
            command.insert(1, "--no-sandbox")
        try:
            ended = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ReportError(f"{browser} did not print {html} within {_PATIENCE_S} s.") from error
        if not made.is_file():
            reason = next(iter(reversed(ended.stderr.strip().splitlines())), f"exit code {ended.returncode}")
            raise ReportError(f"{browser} did not print {html}: {reason}")
        try:
            shutil.copyfile(made, pdf)
        except OSError as error:
            raise ReportError(f"Cannot write {pdf}: {error.strerror}. Choose another --out.") from error
    return pdf
