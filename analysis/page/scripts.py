"""The programs in a page: Vega, and our own."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent / "assets"
VEGA_LITE: Final = (
    "6.1"  # 6.4 loses texts where the nearest point is pointed at (vega-lite pull request 9707)
)
_OWN: Final = ("state", "chooser", "tables", "charts", "refresh", "start")


@cache
def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed, as ``vegaEmbed``; made in two seconds, then kept."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE))


@cache
def vega_versions() -> str:
    """The versions of the scripts in `vega`, in words."""
    import vl_convert

    return (
        f"Vega {vl_convert.get_vega_version()}, Vega-Lite {VEGA_LITE} and "
        f"Vega-Embed {vl_convert.get_vega_embed_version()}"
    )


@cache
def own() -> str:
    """Our programs, in one function of their own."""
    parts = ((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in _OWN)
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


@cache
def styles() -> str:
    """The style sheet."""
    return (ASSETS / "page.css").read_text(encoding="utf-8")


def digest(script: str) -> str:
    """By which a content security policy knows a script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
