"""Colour maps, as colours evenly spaced from low to high.

Sampled from cmocean 4.0 (Thyng et al., 2016: True colors of oceanography, Oceanography 29(3), 9-13; MIT licence): perceptually uniform and
safe for colour-blind readers. They are kept here because cmocean itself imports Matplotlib, half a second the first paint can do without.
"""

from __future__ import annotations

BALANCE = (
    "#181c43",
    "#20275b",
    "#263276",
    "#293c93",
    "#2548b0",
    "#1059be",
    "#0f6abd",
    "#237aba",
    "#3888ba",
    "#4e95ba",
    "#65a2bc",
    "#7eaebf",
    "#98bac5",
    "#b0c5cd",
    "#c7d2d7",
    "#dee0e1",
    "#f1eceb",
    "#e9d9d5",
    "#e2c7be",
    "#dcb4a7",
    "#d7a290",
    "#d18f79",
    "#cc7d63",
    "#c66b4d",
    "#bf573a",
    "#b8432b",
    "#ae2e24",
    "#9f1b26",
    "#8d1029",
    "#780e28",
    "#630e23",
    "#4e0d1b",
    "#3c0912",
)
"""Signed fields on a light page: zero is white."""

BALANCE_DARK = (
    "#c2c8f1",
    "#b0bbee",
    "#9eaded",
    "#8aa1ee",
    "#7396ef",
    "#588de4",
    "#4585cc",
    "#387cb4",
    "#2e729c",
    "#286887",
    "#265d72",
    "#29525f",
    "#2a464f",
    "#293b40",
    "#262f33",
    "#212425",
    "#1b1a1a",
    "#2a2321",
    "#3a2a25",
    "#4a3129",
    "#5a382c",
    "#6b3e2e",
    "#7d432f",
    "#904831",
    "#a44b32",
    "#b94e37",
    "#cd5143",
    "#de5958",
    "#e96670",
    "#f07987",
    "#f58d99",
    "#faa0a9",
    "#ffb2b6",
)
"""Signed fields on a dark page: the same hues with the lightness inverted, so that zero is the page."""

SPEED = (
    "#fffdcd",
    "#f9f3bc",
    "#f4eaab",
    "#efe19a",
    "#e9d889",
    "#e3cf77",
    "#dbc866",
    "#d3c155",
    "#c9ba45",
    "#beb436",
    "#b2af28",
    "#a5aa1c",
    "#98a512",
    "#8aa009",
    "#7c9c06",
    "#6e9707",
    "#5f920c",
    "#518c12",
    "#428719",
    "#34811e",
    "#277b23",
    "#1b7427",
    "#116d2a",
    "#0c662c",
    "#0b5f2d",
    "#0e572d",
    "#12502b",
    "#154829",
    "#184026",
    "#193922",
    "#19311e",
    "#192a18",
    "#172313",
)
"""Positive fields on a light page."""

ICE = (
    "#040613",
    "#0b0d1e",
    "#13132a",
    "#1a1a35",
    "#212041",
    "#28264e",
    "#2e2c5a",
    "#333267",
    "#383975",
    "#3c3f82",
    "#3e478f",
    "#3f4f9a",
    "#3f57a3",
    "#3e60ab",
    "#3e69b0",
    "#4072b4",
    "#427bb7",
    "#4684bb",
    "#4b8cbd",
    "#5195c0",
    "#589dc3",
    "#5fa6c7",
    "#68aeca",
    "#71b6cd",
    "#7bbfd0",
    "#86c7d4",
    "#93cfd8",
    "#a2d6dc",
    "#b1dee2",
    "#c0e6e8",
    "#cfedef",
    "#def5f7",
    "#eafdfd",
)
"""Positive fields on a dark page."""


def interpolated(anchors: tuple[str, ...], count: int) -> tuple[str, ...]:
    """``count`` colours from low to high, linear in RGB between the anchors.

    Examples
    --------
    >>> interpolated(("#000000", "#0000ff"), 3)
    ('#000000', '#000080', '#0000ff')
    """
    channels = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in anchors]
    colours = []
    for step in range(count):
        position = step * (len(anchors) - 1) / (count - 1)
        left = min(int(position), len(anchors) - 2)
        part = position - left
        mixed = [
            round((1 - part) * a + part * b) for a, b in zip(channels[left], channels[left + 1], strict=True)
        ]
        colours.append("#{:02x}{:02x}{:02x}".format(*mixed))
    return tuple(colours)
