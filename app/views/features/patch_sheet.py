"""A sheet of nine patches that can be tapped: the library's plot, rendered once and given new data in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from bokeh.events import Tap

from app.views.shared.elements import column, figure_pane
from atmodist_core.features.strongest import COUNT
from atmodist_core.plots.feature_plots.patch_sheets import (
    PATCHES,
    TEXTS,
    patch_at,
    sheet_of,
    sheet_picture,
    sheet_shape,
    sheet_texts,
)
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.look.units import DisplayUnit

COLUMNS = 3
WIDTH, HEIGHT = sheet_shape(COUNT, COLUMNS)


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the sheet of which all are copies."""
    over = ("rank", "y", "x")
    nothing = xr.Dataset(
        {
            "vorticity": (over, np.zeros((COUNT, 4, 4), np.float32)),
            "activation": ("rank", np.full(COUNT, np.nan)),
        },
        {
            "y": np.arange(4.0)[::-1],
            "x": np.arange(4.0),
            **{name: ("rank", np.zeros(COUNT)) for name in ("latitude", "longitude")},
        },
    )
    sheet = sheet_of(nothing, "vorticity", 1.0, DisplayUnit(1.0, ""), "value", COLUMNS, "light")
    plot = LivePlot(sheet.opts(frame_width=300, frame_height=300), toolbar=None)
    plot.figure.update(
        frame_width=None,
        frame_height=None,
        width=None,
        height=None,
        sizing_mode="stretch_width",
        styles={"position": "absolute", "inset": "0", "width": "100%", "height": "100%"},
        title=None,
        below=[],
        center=[],
        min_border=0,
        output_backend="canvas",
        outline_line_color=None,
    )
    # Texts keep their size while patches grow with the window.
    plot.renderer(TEXTS).glyph.text_font_size = "10px"
    plot.figure.toolbar.update(tools=[plot.hover(PATCHES)], active_drag=None, active_scroll=None)
    return plot


class PatchSheet:
    """Nine patches; a tap on one calls ``on_tap`` with its number."""

    def __init__(self, label: str, on_tap: Callable[[int], None]) -> None:
        self._on_tap = on_tap
        self.plot = template().copy()
        figure = self.figure = self.plot.figure
        figure.name = label
        self.mapper = self.plot.renderer(PATCHES).glyph.color_mapper
        figure.on_event(Tap, self._tapped)
        frame = {
            "position": "relative",
            "flex": "none",
            "height": "auto",
            "box-sizing": "border-box",
            "width": "100%",
        }
        self.pane = column(
            figure_pane(figure),
            styles={**frame, "aspect-ratio": f"{WIDTH / HEIGHT:.4f}", "cursor": "pointer"},
        )
        self.draw(None, "vorticity", 1.0, DisplayUnit(1.0, ""))

    def draw(self, patches: xr.Dataset | None, field: str, limit: float, unit: DisplayUnit) -> None:
        """Show patches on a colour scale that ends at ``limit`` in the units of the field; or none."""
        self.plot.show(PATCHES, patches is not None)
        self.plot.show(TEXTS, patches is not None)
        if patches is None:
            return
        picture = sheet_picture(patches, field, unit.factor, COLUMNS)
        data = dict(self.plot.source(PATCHES).data)
        columns = {name: [picture[name]] for name in picture if name in data}
        self.plot.update(PATCHES, **columns, x=[0], y=[0], dw=[WIDTH], dh=[HEIGHT])
        texts = sheet_texts(patches, COLUMNS)
        self.plot.update(
            TEXTS, **{name: values for name, values in texts.items() if name in self.plot.source(TEXTS).data}
        )
        self.mapper.update(low=-limit * unit.factor, high=limit * unit.factor)
        hover = self.plot.hover(PATCHES)
        name = field.replace("_", " ")
        hover.tooltips = [(name, f"@image{{0.00}} {unit.text}"), *hover.tooltips[1:]]

    def _tapped(self, event: Any) -> None:
        if event.x is None or event.y is None:
            return
        number = patch_at(event.x, event.y, COUNT, COLUMNS)
        if number is not None:
            self._on_tap(number)
