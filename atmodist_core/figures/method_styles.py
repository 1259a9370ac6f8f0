"""Method styles: the label, colour and line of each model on the page and in figures, and legends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from atmodist_core.figures.style import PUBLICATION, FigureStyle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 4
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
"""Markers of models in scatter plots, in order."""


@dataclass(frozen=True)
class MethodStyle:
    """Label, colour and line of one model, or of the truth or the coarse input.

    Parameters
    ----------
    label : str
        Name in legends.
    colour : str or None
        Line colour; None for the text colour.
    dashes : tuple of float
        Lengths of dashes and gaps in line widths, so that lines also differ without colour; empty for a solid line.
    width : float
        Line width in a printed figure [pt].
    marker : str
        Marker, in Matplotlib's notation.
    """

    label: str
    colour: str | None
    dashes: tuple[float, ...] = ()
    width: float = 1.3
    marker: str = "o"

    @property
    def linestyle(self) -> str | tuple[float, tuple[float, ...]]:
        """Dashes in Matplotlib's format."""
        return (0.0, self.dashes) if self.dashes else "-"

    def line(self, style: FigureStyle = PUBLICATION) -> dict[str, Any]:
        """Return colour, line style and line width as keywords of Matplotlib's drawing methods."""
        return {"color": self.colour or style.text, "linestyle": self.linestyle, "linewidth": self.width}


# Colours of Okabe and Ito, safe for colour-blind readers: blues for interpolation, warm colours and green for networks.
_STYLES = {
    "truth": MethodStyle("truth", None, (), 1.8),
    "coarse": MethodStyle("coarse input", "#808a96", (3.5, 1.2, 1.0, 1.2)),
    "bilinear": MethodStyle("bilinear", "#56b4e9", (1.0, 1.4)),
    "bicubic": MethodStyle("bicubic", "#0072b2", (3.5, 1.5)),
    "sr-4x-mse": MethodStyle("MSE, no GAN", "#cc79a7", (7.0, 1.2)),
    "srgan-4x-mse": MethodStyle("MSE GAN", "#e69f00"),
    "srgan-4x-autoencoder": MethodStyle("autoencoder GAN", "#d55e00", (7.0, 1.0, 1.0, 1.0)),
    "srgan-4x-atmodist": MethodStyle("AtmoDist GAN", "#009e73"),
    "srgan-4x-atmodist-spectrum": MethodStyle(
        "AtmoDist GAN, spectrum term", "#8c6bb1", (6.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    ),
    "ensemble-4x-pixel": MethodStyle("CRPS ensemble", "#aa4499", (4.5, 1.2)),
    "ensemble-4x-atmodist": MethodStyle("AtmoDist ensemble", "#332288"),
    "real-4x-start-mse": MethodStyle("MSE, no GAN, for analyses", "#cc79a7", (2.0, 1.0)),
    "real-4x-mse": MethodStyle("MSE GAN for analyses", "#b35900", (5.0, 1.0)),
    "real-4x-atmodist": MethodStyle("AtmoDist GAN for analyses", "#117733", (8.0, 1.0)),
    "real-4x-atmodist-ensemble": MethodStyle("AtmoDist ensemble for analyses", "#882255", (1.5, 0.8)),
}
DISTANCE_STYLES = {
    "AtmoDist": MethodStyle("AtmoDist", "#009e73"),
    "l2": MethodStyle("l2", "#0072b2", marker="s"),
    "l1": MethodStyle("l1", "#56b4e9", (3.5, 1.5), marker="^"),
    "1-SSIM": MethodStyle("1-SSIM", "#d55e00", (6.4, 1.6, 1.0, 1.6), marker="D"),
}
"""Colour, line and marker of each distance between states; lines also differ without colour."""

VERDICTS = {1: ("better", "^", "#009e73"), 0: ("equal", "o", "#9aa4ae"), -1: ("worse", "v", "#e69f00")}
"""Word, marker and colour of each verdict on a city; readers tell them apart by shape and by colour."""

BOKEH_MARKERS = {"o": "circle", "s": "square", "^": "triangle", "v": "inverted_triangle", "D": "diamond"}
"""Bokeh's names of Matplotlib's markers."""


def distance_style(name: str) -> MethodStyle:
    """Return the style of a distance between states; of another name, that of a model of this name."""
    return DISTANCE_STYLES.get(name) or method_style(name)


def sensitivity_style(name: str) -> MethodStyle:
    """Return the style of a distance whose sensitivity is drawn: trained networks have that of AtmoDist, untrained ones are grey.

    Examples
    --------
    >>> sensitivity_style("atmodist-23").label, sensitivity_style("untrained").colour
    ('atmodist-23', '#808a96')
    """
    if name in DISTANCE_STYLES:
        return DISTANCE_STYLES[name]
    if name.startswith("untrained"):
        return MethodStyle(name, "#808a96", (3.5, 1.5))
    return replace(DISTANCE_STYLES["AtmoDist"], label=name)


_OTHER_COLOURS = ("#7a5c3e", "#a6761d", "#b5383f", "#6a8f2f", "#5b7fd1", "#aa4499")
_OTHER_DASHES = ((), (7.0, 1.2), (3.5, 1.2, 1.0, 1.2))
KNOWN_DOWNSCALERS = tuple(name for name in _STYLES if name.startswith(("sr", "ensemble")))
"""Networks with a style of their own, simplest first."""


def method_style(name: str) -> MethodStyle:
    """Return the style of a model: the same in every figure and view.

    Parameters
    ----------
    name : str
        ``"truth"``, ``"coarse"``, or the name of a downscaler. The style of an unknown name depends on the name
        only.

    Examples
    --------
    >>> method_style("srgan-4x-atmodist").label
    'AtmoDist GAN'
    """
    if name in _STYLES:
        return _STYLES[name]
    # Not hash(), which differs from process to process.
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    colour = _OTHER_COLOURS[number % len(_OTHER_COLOURS)]
    return MethodStyle(name, colour, _OTHER_DASHES[number // 7 % len(_OTHER_DASHES)])


def distinct_method_styles(names: Sequence[str]) -> dict[str, MethodStyle]:
    """Return styles for models that are shown together, changing later ones that look like earlier ones.

    Examples
    --------
    >>> styles = distinct_method_styles([f"run-{number}" for number in range(8)])
    >>> len({(style.colour, style.dashes) for style in styles.values()})
    8
    """
    found: dict[str, MethodStyle] = {}
    for name in names:
        own = method_style(name)
        taken = {(other.colour, other.dashes) for other in found.values()}
        colours = {other.colour for other in found.values()}
        if (own.colour, own.dashes) in taken:
            # An unused colour is easier to tell apart than other dashes of a used one.
            free = [pair for pair in product(_OTHER_COLOURS, _OTHER_DASHES) if pair not in taken]
            colour, dashes = next((pair for pair in free if pair[0] not in colours), free[0])
            own = replace(own, colour=colour, dashes=dashes)
        found[name] = own
    return found


def legend_above(
    figure: Figure, styles: Mapping[str, MethodStyle], names: Sequence[str], *, points: bool = False
) -> None:
    """Add one legend of the labels ``names`` above all panels of a figure, where it covers nothing.

    With ``points``, models are drawn as points with :data:`MARKERS` instead of lines.
    """
    from matplotlib.lines import Line2D

    handles = []
    for number, name in enumerate(names):
        line = styles[name].line() | ({"linestyle": "none"} if points else {})
        marker = MARKERS[number % len(MARKERS)] if points else "none"
        handles.append(Line2D([], [], marker=marker, markersize=4, label=styles[name].label, **line))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(MOST_COLUMNS, len(handles)),
        fontsize=PUBLICATION.font_size - 0.5,
        frameon=False,
        labelcolor=PUBLICATION.text,
        handlelength=3.2,
    )


def legend_height_in(names: Sequence[str]) -> float:
    """Return the height [inch] that the legend adds to a figure."""
    return 0.16 * -(-len(names) // MOST_COLUMNS) + 0.1
