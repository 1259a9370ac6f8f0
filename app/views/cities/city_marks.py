"""Marks of the cities on the globe, and their legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.figures.method_styles import VERDICTS as VERDICT_STYLES
from atmodist_core.figures.numbers.cities import verdicts
from atmodist_core.plots.look.palettes import interpolated

_SHAPES = {"^": "up", "o": "circle", "v": "down"}
VERDICTS = {verdict: word for verdict, (word, _, _) in VERDICT_STYLES.items()}
VERDICT_MARKS = {word: (_SHAPES[marker], colour) for word, marker, colour in VERDICT_STYLES.values()}
"""Shape and colour: distinguishable for colour-blind readers and from the field."""

UNKNOWN = ("small", "#8a94a3", "")
STEPS = 5
DISTANCE_COLOURS = interpolated(("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"), STEPS)
"""Viridis: small distances are light, large ones dark."""

_PATHS = {"up": "M8 2.4 14 12.6H2z", "down": "M8 13.6 2 3.4h12z", "circle": "M8 2.8a5.2 5.2 0 1 0 .01 0z"}

STYLES = """
.legend { display: flex; flex-wrap: wrap; gap: 3px 14px; align-items: center; min-height: 24px; font-size: 12px; color: var(--studio-text);
  font-variant-numeric: tabular-nums; }
.legend span { display: inline-flex; align-items: center; gap: 5px; white-space: nowrap; }
.legend svg { width: 14px; height: 14px; }
.legend .what { color: var(--studio-muted); }
"""


def verdict_words(
    distances: xr.Dataset | None, candidate: str, baseline: str, field: str, box: int
) -> dict[str, str]:
    """Return the verdict per city, ``better``, ``equal`` or ``worse``; cities without one are left out."""
    if distances is None or not {candidate, baseline} <= set(map(str, distances["model"].values)):
        return {}
    found = verdicts(distances, candidate, baseline)[field].sel(box=box)
    return {
        str(city): VERDICTS[int(value)]
        for city, value in zip(found["city"].values, found.values, strict=True)
        if np.isfinite(value)
    }


def distances_of(
    distances: xr.Dataset | None, method: str, field: str, box: int, factor: float
) -> dict[str, float]:
    """Return the Wasserstein-1 distance per city in the unit of display; cities without one are left out."""
    if distances is None or method not in distances["model"].values:
        return {}
    found = distances[field].sel({"model": method, "box": box})
    values = {
        str(city): float(value) * factor
        for city, value in zip(found["city"].values, found.values, strict=True)
    }
    return {city: value for city, value in values.items() if np.isfinite(value)}


def limits_of(values: Mapping[str, float]) -> np.ndarray:
    """Return the limits between colour classes with equal numbers of cities, shape ``(STEPS - 1,)``."""
    return np.quantile(list(values.values()), np.arange(1, STEPS) / STEPS) if values else np.zeros(STEPS - 1)


def marks(
    cities: Sequence[str],
    *,
    marking: str,
    words: Mapping[str, str],
    own: Mapping[str, float],
    other: Mapping[str, float],
    labels: tuple[str, str],
    unit: str,
) -> list[Any]:
    """Return shape, colour and note of every city, in the order of the globe.

    ``words`` are verdicts per city, ``own`` and ``other`` Wasserstein-1 distances [``unit``] of candidate and baseline, whose names are ``labels``.
    """
    limits = limits_of(own)
    result: list[Any] = []
    for city in cities:
        if city not in own:
            result.append(list(UNKNOWN))
            continue
        note = f"Wasserstein-1 [{unit}]: {own[city]:.3g} ({labels[0]})"
        if city in other:
            note += f", {other[city]:.3g} ({labels[1]})"
        word = words.get(city)
        if marking == "wasserstein":
            shape, colour = "circle", DISTANCE_COLOURS[int(np.searchsorted(limits, own[city]))]
        elif word is not None:
            shape, colour = VERDICT_MARKS[word]
        else:
            shape, colour = UNKNOWN[:2]
        result.append([shape, colour, f"{word.capitalize()}. {note}" if word else note])
    return result


def legend_html(
    *, marking: str, words: Mapping[str, str], own: Mapping[str, float], labels: tuple[str, str], unit: str
) -> str:
    """Return the legend of the marks, with the number of cities of each."""
    if marking == "wasserstein":
        limits = [f"{value:.2g}" for value in limits_of(own)]
        names = [*[f"≤ {limit}" for limit in limits], f"> {limits[-1]}"] if own else []
        entries = [
            _entry("circle", colour, name) for colour, name in zip(DISTANCE_COLOURS, names, strict=False)
        ]
        what = f"Wasserstein-1 of {labels[0]} [{unit}]"
    else:
        entries = [
            _entry(*VERDICT_MARKS[word], f"{word} {sum(one == word for one in words.values())}")
            for word in VERDICTS.values()
        ]
        what = f"{labels[0]} against {labels[1]}"
    return f'<div class="legend"><span class="what">{escape(what)}</span>{"".join(entries)}</div>'


def _entry(shape: str, colour: str, text: str) -> str:
    return (
        f'<span><svg viewBox="0 0 16 16" aria-hidden="true"><path d="{_PATHS[shape]}" fill="{colour}" stroke="currentColor" '
        f'stroke-width="1"/></svg>{escape(text)}</span>'
    )
