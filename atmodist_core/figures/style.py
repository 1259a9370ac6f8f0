"""Figure style: sizes, colours, axes, titles, colour bars, and units in labels.

Figures are objects, made without pyplot and without changing Matplotlib's global settings, so that several users
of one process can draw at the same time.
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from atmodist_core.common.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""File formats of figures."""


@dataclass(frozen=True)
class FigureStyle:
    """Sizes and colours of a figure.

    Parameters
    ----------
    width_in : float
        Width of a figure [inch].
    font_size : float
        Size of the text [pt]; titles are one point larger, tick labels one smaller.
    background, text, muted, grid, coastline : str
        Colours; ``muted`` is for guide lines, ``coastline`` for lines on the light colours of a map.
    """

    width_in: float = 7.2
    font_size: float = 8.0
    background: str = "#ffffff"
    text: str = "#1a1a1a"
    muted: str = "#4d4d4d"
    grid: str = "#d9d9d9"
    coastline: str = "#4d4d4d"


PUBLICATION = FigureStyle()
"""Black on white, 183 mm wide (two columns)."""

DARK = FigureStyle(background="#14181d", text="#e8e8e8", muted="#9aa4ae", grid="#3a4149")
"""For dark pages and slides."""


def new_figure(width_in: float, height_in: float, style: FigureStyle = PUBLICATION) -> Figure:
    """Make an empty figure of a size [inch], with a layout that avoids overlaps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), facecolor=style.background, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, style: FigureStyle = PUBLICATION, *, grid: bool = True) -> None:
    """Apply the sizes and colours of a style to axes."""
    axes.set_facecolor(style.background)
    for spine in axes.spines.values():
        spine.set_color(style.text)
        spine.set_linewidth(0.6)
    axes.tick_params(
        which="both", colors=style.text, labelcolor=style.text, labelsize=style.font_size - 1, width=0.6
    )
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_color(style.text)
        text.set_fontsize(style.font_size)
    axes.title.set_color(style.text)
    axes.title.set_fontsize(style.font_size + 1)
    if grid:
        axes.grid(True, which="major", color=style.grid, linewidth=0.4)
        axes.set_axisbelow(True)


def style_legend(axes: Axes, style: FigureStyle = PUBLICATION, *, location: Any = "best") -> None:
    """Add a legend without a frame."""
    legend = axes.legend(fontsize=style.font_size - 1, frameon=False, loc=location, labelcolor=style.text)
    legend.set_zorder(10)


def style_colour_bar(bar: Any, label: str, style: FigureStyle = PUBLICATION) -> None:
    """Apply a label and the sizes and colours of a style to a colour bar."""
    bar.set_label(label, fontsize=style.font_size, color=style.text)
    bar.ax.tick_params(labelsize=style.font_size - 1, colors=style.text, width=0.6)
    bar.outline.set_edgecolor(style.text)
    bar.outline.set_linewidth(0.6)


def add_titles(
    figure: Figure, title: str | None, caption: str | None, style: FigureStyle = PUBLICATION
) -> None:
    """Add a title at the top and a caption (data, date, region, models) at the bottom of a figure."""
    if title:
        figure.suptitle(title, fontsize=style.font_size + 2, color=style.text)
    if caption:
        figure.supxlabel(caption, fontsize=style.font_size - 1.5, color=style.text, x=0.01, ha="left")


def wrapped(caption: str | None, style: FigureStyle = PUBLICATION) -> str | None:
    """Break a caption into lines that fit the figure's width."""
    if not caption:
        return None
    # Letters are on average little more than half as wide as high; an inch is 72 points.
    letters = int(style.width_in * 72 / (0.53 * (style.font_size - 1.5)))
    return "\n".join(textwrap.wrap(caption, letters))


def figure_bytes(figure: Figure, file_format: str = "png", *, dpi: float = 200.0) -> bytes:
    """Encode a figure as a file without a date, so that the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
    file_format : {"png", "svg", "pdf"}
    dpi : float
        Resolution [dots per inch] of png and of images within svg and pdf.

    Raises
    ------
    UserError
        For another format.
    """
    if file_format not in FORMATS:
        raise UserError(
            f"Expected a format among {', '.join(FORMATS)}, found {file_format!r}; use one of these."
        )
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}}
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format=file_format, dpi=dpi, facecolor=figure.get_facecolor(), metadata=undated[file_format]
    )
    return buffer.getvalue()


def units_label(units: str) -> str:
    """Format units with superscript exponents for Matplotlib.

    Examples
    --------
    >>> units_label("m2 s-2")
    'm$^{2}$ s$^{-2}$'
    """
    return re.sub(r"([A-Za-z])(-?\d+)(?=\s|$)", r"\1$^{\2}$", units)


def power_of_ten(values: np.ndarray) -> int:
    """Return the power of ten that keeps tick labels short; 0 if they are short without it.

    Examples
    --------
    >>> power_of_ten(np.array([-2.1e-5, 3.0e-5])), power_of_ten(np.array([12.0]))
    (-5, 0)
    """
    finite = np.abs(values[np.isfinite(values)])
    top = float(finite.max()) if finite.size else 0.0
    power = int(np.floor(np.log10(top))) if top > 0 else 0
    return power if not -2 <= power <= 3 else 0


def scaled_units(units: str, power: int) -> str:
    """Format a power of ten and units in brackets; empty for a plain number.

    Examples
    --------
    >>> scaled_units("s-1", -5), scaled_units("1", 0)
    (' [10$^{-5}$ s$^{-1}$]', '')
    """
    parts = [f"10$^{{{power}}}$" if power else "", "" if units in ("", "1") else units_label(units)]
    text = " ".join(part for part in parts if part)
    return f" [{text}]" if text else ""
