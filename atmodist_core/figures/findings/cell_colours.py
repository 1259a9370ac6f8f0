"""Colours of the scorecard's cells: one scale for the page, notebooks and reports."""

from __future__ import annotations

import numpy as np

ANCHORS = {
    "light": ("#8c510a", "#d8b365", "#f3e3c0", "#ffffff", "#c7eae5", "#5ab4ac", "#01665e"),
    "dark": ("#e6ab62", "#94611f", "#3f2e18", "#131a22", "#143c39", "#1f7f77", "#63d3c6"),
}
"""From farther (brown) over equal (the page) to closer (green): ColorBrewer's BrBG (Brewer and Harrower, Apache 2.0), safe for
colour-blind readers; the dark scale is ours."""

FULL_COLOUR = 1.0
"""Improvement at which the colour is strongest: the whole departure of the reference is gone, or there twice."""


def scale_colours(theme: str, count: int = 256) -> list[str]:
    """Return colours for improvements evenly spaced from -1 to 1."""
    return [cell_colour(float(one), theme) for one in np.linspace(-FULL_COLOUR, FULL_COLOUR, count)]


def cell_colour(improvement: float, theme: str = "light") -> str:
    """Return the colour of an improvement over the reference; beyond -1 and 1 it stays the same.

    Examples
    --------
    >>> cell_colour(0.0), cell_colour(1.0), cell_colour(-5.0)
    ('#ffffff', '#01665e', '#8c510a')
    """
    anchors = np.array([_channels(one) for one in ANCHORS[theme]], dtype=float)
    if np.isnan(improvement):
        improvement = 0.0
    place = (np.clip(improvement / FULL_COLOUR, -1, 1) + 1) / 2 * (len(anchors) - 1)
    mixed = [np.interp(place, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def text_colour(background: str) -> str:
    """Return black or white, whichever is easier to read on a colour (contrast of WCAG 2).

    Examples
    --------
    >>> text_colour("#01665e"), text_colour("#f3e3c0")
    ('#ffffff', '#16202c')
    """
    dark, light = "#16202c", "#ffffff"
    own = _luminance(background) + 0.05
    return light if (_luminance(light) + 0.05) / own > own / (_luminance(dark) + 0.05) else dark


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _luminance(colour: str) -> float:
    parts = np.array(_channels(colour)) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
