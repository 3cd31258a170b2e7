"""Charts as Vega-Lite specifications (https://vega.github.io/vega-lite/docs/), one function for each kind of figure.

A specification draws one panel; the page's programs give it the panel's rows, as ``rows`` and ``runs``, and the
methods that were chosen, as ``chosen``. Colors are variables of the style sheet, which differ between light and dark.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vitamin.analysis.report.blocks import FigureKind

Spec = dict[str, Any]

_LINE_WIDTH: Final = 2
_ROW_STEP: Final = 22
_PANEL_HEIGHT: Final = 200
_TEXT: Final = "var(--quiet)"
_FONT: Final = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", Arial, sans-serif'
)
"""As the style sheet has it: Vega measures texts before it places them."""
_CHOSEN: Final = {"filter": "indexof(chosen, datum.label) >= 0"}
_BOTH_CHOSEN: Final = {
    "filter": "indexof(chosen, datum.method_a) >= 0 && indexof(chosen, datum.method_b) >= 0"
}
_INTERVAL: Final = {
    "calculate": "isValid(datum.low) && isValid(datum.high)"
    " ? format(datum.low, '.3~f') + ' to ' + format(datum.high, '.3~f') : 'none'",
    "as": "interval",
}


@dataclass(frozen=True)
class Ink:
    """The color and dashes with which a label is drawn.

    Attributes:
        label: The label.
        color: Of its lines: a color, or a variable of the style sheet.
        dashes: Lengths of strokes and gaps, empty for a solid line.
    """

    label: str
    color: str
    dashes: tuple[float, ...] = ()


def specification(kind: FigureKind, inks: Sequence[Ink], *, x: str = "") -> Spec:
    """How each panel of a figure is drawn.

    Args:
        kind: Kind of the figure.
        inks: Of the labels that it shows, in their order.
        x: What the horizontal axis says, where the kind does not decide it.
    """
    layers, encoding, size = _KINDS[kind](inks, x)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "params": [{"name": "chosen", "value": [ink.label for ink in inks]}],
        "data": {"name": "rows"},
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        **size,
        "encoding": encoding,
        "layer": layers,
        "config": _CONFIG,
    }


_Parts = tuple[list[Spec], Spec, Spec]


def _curves(inks: Sequence[Ink], x: str) -> _Parts:
    thin = {
        "data": {"name": "runs"},
        "transform": [_CHOSEN],
        "mark": {"type": "line", "strokeWidth": 0.8, "opacity": 0.45, "clip": True},
        "encoding": {
            "y": _y("score"),
            "detail": [{"field": "seed"}, {"field": "label"}],
        },
    }
    pretrained = {
        "transform": [_CHOSEN, {"filter": "datum.env_steps === 0"}],
        "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 70, "opacity": 1},
        "encoding": {"y": _y("mean")},
    }
    tips = [_tip("env_steps", "environment steps", ","), *_tips("mean", "mean"), _tip("seeds", "n")]
    layers = [thin, _band(), _line(inks, "mean"), pretrained, _hover("mean", tips)]
    return (
        layers,
        {"color": _color(inks), "x": _x("env_steps", x or "online environment steps", "~s")},
        _FIXED,
    )


def _efficiency(inks: Sequence[Ink], x: str) -> _Parts:
    tips = [_tip("x", x, ",.4~r"), *_tips("IQM", "IQM")]
    layers = [_band(), _line(inks, "IQM"), _hover("IQM", tips)]
    return layers, {"color": _color(inks), "x": _x("x", x, "~s")}, _FIXED


def _profiles(inks: Sequence[Ink], x: str) -> _Parts:
    tips = [_tip("threshold", "score above", ".4~r"), *_tips("share", "share of runs")]
    layers = [_band(), _line(inks, "share", domain=(0, 1)), _hover("share", tips)]
    return layers, {"color": _color(inks), "x": _x("threshold", x or "score τ", "~s")}, _FIXED


def _intervals(inks: Sequence[Ink], x: str) -> _Parts:
    rows = {"field": "label", "type": "nominal", "sort": [ink.label for ink in inks], "title": None}
    tips = [*_tips("value", "value"), _tip("seeds", "n")]
    layers = _ranges("value", x, [_CHOSEN], tips)
    return layers, {"color": _color(inks), "y": rows}, _ROWS


def _improvement(inks: Sequence[Ink], x: str) -> _Parts:
    rows = {"field": "pair", "type": "nominal", "sort": None, "title": None}
    even = {
        "data": {"values": [{"even": 0.5}]},
        "mark": {"type": "rule", "strokeDash": [3, 3], "color": _TEXT},
        "encoding": {"x": {"field": "even", "type": "quantitative"}, "y": None, "color": None},
    }
    tips = [_tip("pair", "better"), *_tips("probability", "probability", label=False)]
    layers = _ranges("probability", x or "probability of improvement", [_BOTH_CHOSEN], tips, domain=(0, 1))
    return [even, *layers], {"color": _color(inks, "method_a"), "y": rows}, _ROWS


def _ablation(inks: Sequence[Ink], x: str) -> _Parts:
    """``x`` begins with an asterisk if the horizontal axis holds names rather than numbers."""
    named = x.startswith("*")
    axis = _x("x", x.removeprefix("*"), "~g")
    if named:
        axis = {"field": "x", "type": "ordinal", "sort": None, "title": axis["title"]}
    tips = [_tip("x", axis["title"]), *_tips("mean", "mean"), _tip("seeds", "n")]
    spread = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "strokeWidth": _LINE_WIDTH, "opacity": 0.6},
        "encoding": {"y": _y("low"), "y2": {"field": "high"}},
    }
    points = {
        "transform": [_INTERVAL],
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {"y": _y("mean"), "tooltip": tips},
    }
    return [spread, _line(inks, "mean", filters=()), points], {"color": _color(inks), "x": axis}, _FIXED


_KINDS: Final[dict[FigureKind, Callable[[Sequence[Ink], str], _Parts]]] = {
    "curves": _curves,
    "intervals": _intervals,
    "profiles": _profiles,
    "improvement": _improvement,
    "efficiency": _efficiency,
    "ablation": _ablation,
}

_FIXED: Final[Spec] = {"height": _PANEL_HEIGHT}
_ROWS: Final[Spec] = {"height": {"step": _ROW_STEP}}


def _band() -> Spec:
    return {
        "transform": [_CHOSEN, {"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "area", "opacity": 0.16, "clip": True},
        "encoding": {"y": _y("low"), "y2": {"field": "high"}},
    }


def _line(
    inks: Sequence[Ink],
    y: str,
    *,
    domain: tuple[float, float] | None = None,
    filters: Sequence[Spec] = (_CHOSEN,),
) -> Spec:
    dashes = [[_LINE_WIDTH * length for length in ink.dashes] or [1, 0] for ink in inks]
    scale = {"domain": [ink.label for ink in inks], "range": dashes}
    return {
        "transform": list(filters),
        "mark": {"type": "line", "strokeWidth": _LINE_WIDTH},
        "encoding": {
            "y": _y(y, domain),
            "strokeDash": {"field": "label", "type": "nominal", "scale": scale, "legend": None},
        },
    }


def _hover(y: str, tips: list[Spec]) -> Spec:
    """Points that show themselves, and what they say, where the pointer is next to them."""
    return {
        "params": [
            {
                "name": "pointed",
                "select": {"type": "point", "nearest": True, "on": "pointerover", "clear": "pointerout"},
            }
        ],
        "transform": [_CHOSEN, {"filter": f"isValid(datum.{y})"}, _INTERVAL],
        "mark": {"type": "point", "filled": True, "size": 60},
        "encoding": {
            "y": _y(y),
            "opacity": {"condition": {"param": "pointed", "empty": False, "value": 1}, "value": 0},
            "tooltip": tips,
        },
    }


def _ranges(
    value: str, x: str, filters: list[Spec], tips: list[Spec], *, domain: tuple[float, float] | None = None
) -> list[Spec]:
    """A bar from the low to the high end, and a point where the estimate is."""
    scale = {"domain": list(domain)} if domain else {"zero": False}
    along = {"type": "quantitative", "title": x or None, "scale": scale}
    bar = {
        "transform": [*filters, {"filter": "isValid(datum.low) && isValid(datum.high)"}, _INTERVAL],
        "mark": {"type": "rule", "strokeWidth": 8, "opacity": 0.4},
        "encoding": {"x": {"field": "low", **along}, "x2": {"field": "high"}, "tooltip": tips},
    }
    point = {
        "transform": [*filters, _INTERVAL],
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {"x": {"field": value, **along}, "tooltip": tips},
    }
    return [bar, point]


def _color(inks: Sequence[Ink], field: str = "label") -> Spec:
    scale = {"domain": [ink.label for ink in inks], "range": [ink.color for ink in inks]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def _x(field: str, title: str, number_format: str) -> Spec:
    axis = {"labelExpr": f"format(datum.value, '{number_format}')", "tickCount": 5, "labelFlush": True}
    return {"field": field, "type": "quantitative", "title": title, "axis": axis, "scale": {"nice": False}}


def _y(field: str, domain: tuple[float, float] | None = None) -> Spec:
    scale = {"domain": list(domain)} if domain else {"zero": False}
    return {"field": field, "type": "quantitative", "title": None, "scale": scale, "axis": {"tickCount": 5}}


def _tip(field: str, title: str, number_format: str | None = None) -> Spec:
    tip = {"field": field, "title": title}
    return tip | {"format": number_format, "type": "quantitative"} if number_format else tip


def _tips(field: str, title: str, *, label: bool = True) -> list[Spec]:
    name = [_tip("label", "method")] if label else []
    return [*name, _tip(field, title, ".3~f"), _tip("interval", "interval")]


_CONFIG: Final[Spec] = {
    "aria": False,  # the page describes each panel itself
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": "var(--grid)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
    },
    "axisQuantitative": {"labelOverlap": True},
}
