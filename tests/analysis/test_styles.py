"""Styles of methods: fixed, distinct, visible, and plain data."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from vitamin.analysis.styles import DARK_PAGE, LEAST_CONTRAST, LIGHT_PAGE, Style, contrast, label_styles

PAPER = ("TD3+BC", "IQL", "ODT", "PDT", "TD3", "DDPG+ODT", "TD3+ODT")

# What eyes without red (protan), green (deutan) or blue (tritan) cones see, on linear RGB: Machado et al. (2009).
SEEN = {
    "all cones": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def oklab(color: str, seen: np.ndarray) -> np.ndarray:
    """Ottosson (2020): distances in it are about those that eyes see; 0.02 is just noticed."""
    parts = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    light = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return to_lab @ np.cbrt(cones @ np.clip(seen @ light, 0, 1))


def on_page(style: Style, page: str) -> str:
    return style.color if page == LIGHT_PAGE else style.dark


def test_styles_are_fixed_for_methods_and_distinct_for_variants() -> None:
    alone = label_styles(["ODT"])["ODT"]
    together = label_styles(["New", "ODT", "TD3+ODT, a=1", "TD3+ODT, a=2", "TD3+ODT, a=3"])
    assert together["ODT"] == alone
    assert len({style.color for style in together.values()}) == 5
    assert len({style.dark for style in together.values()}) == 5
    variants = [style for label, style in together.items() if label.startswith("TD3+ODT")]
    assert len({style.marker for style in variants}) == 3
    assert len({style.dashes for style in variants}) == 3
    brightness = [contrast(style.color, "#000000") for style in variants]
    assert brightness == sorted(brightness)


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
@pytest.mark.parametrize("eyes", SEEN)
def test_methods_of_the_paper_are_told_apart_by_color(page: str, eyes: str) -> None:
    colors = [on_page(style, page) for style in label_styles(PAPER).values()]
    places = [oklab(color, SEEN[eyes]) for color in colors]
    assert min(np.linalg.norm(a - b) for a, b in combinations(places, 2)) > 0.065


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
def test_every_color_stands_out_from_the_page(page: str) -> None:
    alone = label_styles([*PAPER, *(f"Method {number}" for number in range(12))])
    swept = label_styles(f"{method}, a={value}" for method in (*PAPER, "Other") for value in range(24))
    for label, style in (alone | swept).items():
        assert contrast(on_page(style, page), page) >= LEAST_CONTRAST, label


def test_contrast_of_known_colors() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_styles_need_no_plotting_library() -> None:
    program = (
        "import sys, vitamin.analysis.styles; print([m for m in sys.modules if m.startswith('matplotlib')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
