"""How the figures look: one type size, one look of axes and titles.

Figures are made as objects, without pyplot and without touching Matplotlib's global settings, so that several
users of one process can draw at once.
"""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atmodist_core.common.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""What a figure can be written as."""


@dataclass(frozen=True)
class FigureStyle:
    """Sizes and colours of a figure.

    Parameters
    ----------
    width_in : float
        Width of a figure [inch].
    font_size : float
        Size of the running text [pt]; titles are one larger, ticks one smaller.
    background, text, muted, grid, coastline : str
        Colours; ``muted`` is for what is drawn for the eye only, coastlines lie on the light colours of a
        map.
    """

    width_in: float = 7.2
    font_size: float = 8.0
    background: str = "#ffffff"
    text: str = "#1a1a1a"
    muted: str = "#4d4d4d"
    grid: str = "#d9d9d9"
    coastline: str = "#4d4d4d"


PUBLICATION = FigureStyle()
"""Black on white, 183 mm wide: a double column."""

DARK = FigureStyle(background="#14181d", text="#e8e8e8", muted="#9aa4ae", grid="#3a4149")
"""For dark pages and slides."""


def new_figure(width_in: float, height_in: float, style: FigureStyle = PUBLICATION) -> Figure:
    """Make an empty figure of the given size [inch] whose parts are laid out without overlap."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), facecolor=style.background, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, style: FigureStyle = PUBLICATION, *, grid: bool = True) -> None:
    """Give axes the sizes and colours of a style."""
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


def style_legend(
    axes: Axes, style: FigureStyle = PUBLICATION, *, columns: int = 1, location: Any = "best"
) -> None:
    """Add a legend without a frame in the colours of a style."""
    legend = axes.legend(
        fontsize=style.font_size - 1, frameon=False, ncols=columns, loc=location, labelcolor=style.text
    )
    legend.set_zorder(10)


def add_titles(
    figure: Figure, title: str | None, caption: str | None, style: FigureStyle = PUBLICATION
) -> None:
    """Put a title above and a caption (data, date, region, models) below everything else.

    Parameters
    ----------
    figure : Figure
    title, caption : str or None
        Nothing is drawn for None.
    style : FigureStyle
    """
    if title:
        figure.suptitle(title, fontsize=style.font_size + 2, color=style.text)
    if caption:
        figure.supxlabel(caption, fontsize=style.font_size - 1.5, color=style.text, x=0.01, ha="left")


def wrapped(caption: str | None, style: FigureStyle = PUBLICATION) -> str | None:
    """Break a caption into lines that fit the width of a figure."""
    if not caption:
        return None
    # A letter of these faces is on average half as wide as it is high; 72 points make an inch.
    letters = int(style.width_in * 72 / (0.5 * (style.font_size - 1.5)))
    return "\n".join(textwrap.wrap(caption, letters))


def figure_bytes(figure: Figure, file_format: str = "png", *, dpi: float = 200.0) -> bytes:
    """Write a figure to memory.

    Parameters
    ----------
    figure : Figure
    file_format : {"png", "svg", "pdf"}
    dpi : float
        Resolution [dots per inch] of png and of pictures within svg and pdf.

    Returns
    -------
    bytes
        The file; the same figure gives the same bytes, since no date is written.

    Raises
    ------
    UserError
        For another format.
    """
    if file_format not in FORMATS:
        raise UserError(
            f"Expected a format among {', '.join(FORMATS)}, found {file_format!r}; choose among these."
        )
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}}
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format=file_format, dpi=dpi, facecolor=figure.get_facecolor(), metadata=undated[file_format]
    )
    return buffer.getvalue()
