"""The fields along a line that was drawn on a map."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

import atmodist_core as ad
from app.compute.comparison import Comparison
from app.session.session import Session
from app.theme.theme import line_sample
from app.views.maps.map_figure import SharedMap
from app.views.shared.elements import (
    CARD_STYLES,
    HEAD_STYLES,
    Element,
    column,
    figure_pane,
    html,
    icon_button,
    row,
)
from atmodist_core.fields.grid.projections import Projection
from atmodist_core.fields.grid.transects import distance_label, great_circle, parse_transect, transect_of
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.look.style import model_colour
from atmodist_core.plots.look.units import field_label, field_unit
from atmodist_core.plots.map_plots.transects import transect_columns, transect_plot

HEIGHT = 250
_NOTE = "bilinear between grid points; coarse input: mean of the cell"
_STYLES = (
    HEAD_STYLES
    + """
.head { flex-wrap: wrap; gap: 2px 14px; padding-bottom: 4px; } .detail { white-space: normal; }
.sample { font-size: 12px; white-space: nowrap; color: var(--studio-text); } .sample svg { width: 26px; height: 6px; vertical-align: middle; }
"""
)


class TransectCard(Element):
    """Coarse input, methods and truth along the great circle of the state; hidden without one."""

    def __init__(self, session: Session, shared: SharedMap) -> None:
        super().__init__()
        self._session, self._shared = session, shared
        self.plot: LivePlot | None = None
        self._drawn: tuple[Any, ...] | None = None
        self._lined: tuple[Any, ...] | None = None
        self._head = html(css=_STYLES, min_height=28)
        close = icon_button("close", "Remove the transect")
        close.on_click(lambda _event: setattr(session.state, "transect", ""))
        self._box = column()
        self._content = column(
            row(self._head, close), self._box, css=CARD_STYLES, css_classes=["transect-card"], visible=False
        )

    def draw(self, comparison: Comparison | None) -> None:
        """Show the line on the maps, and the fields along it as far as they are computed."""
        text = self._session.state.transect
        self._show_line(text, self._shared.projection)
        self._content.visible = bool(text)
        if not text or comparison is None:
            return
        parts = {name: found for name in self._names() if (found := comparison.fields_of(name)) is not None}
        theme = self._session.state.theme
        # The objects are kept: no other can have their identity then.
        drawn = (text, theme, comparison.question, {name: id(part) for name, part in parts.items()}, parts)
        if self._drawn is not None and self._drawn[:-1] == drawn[:-1]:
            return
        self._drawn = drawn
        fields = {name: part[comparison.question.field].isel(time=0) for name, part in parts.items()}
        try:
            table = transect_of(fields, *parse_transect(text))
        except ad.UserError as error:
            self._box.visible = False
            self._write(str(error), [])
            return
        self._box.visible = True
        self._write(_NOTE, list(parts))
        self._show_curves(table, field_unit(comparison.question.field), theme)

    def redraw_line(self) -> None:
        """Send the line again, over what the browser has drawn."""
        self._lined = None
        self._show_line(self._session.state.transect, self._shared.projection)

    def _names(self) -> list[str]:
        state = self._session.state
        if state.layout == "swipe":
            return list(dict.fromkeys(("truth", "coarse", state.left, state.right)))
        return self._session.shown_names

    def _show_curves(self, table: Any, unit: Any, theme: str) -> None:
        columns = {method_style(name).label: found for name, found in transect_columns(table, unit).items()}
        if self.plot is None:
            # The names stand in the head of the card, where they are wrapped.
            curves = transect_plot(table, theme=theme, unit=unit)
            self.plot = LivePlot(curves, show_legend=False, toolbar=None)
            self.plot.figure.update(
                **{"width": None, "height": HEIGHT, "frame_width": None, "frame_height": None},
                sizing_mode="stretch_width",
                name="transect",
                title=None,
            )
            self._box[:] = [figure_pane(self.plot.figure)]
        elif not set(columns) <= set(self.plot.labels):
            self.plot.add(transect_plot(table, theme=theme, unit=unit))
            for legend in self.plot.figure.legend:
                legend.visible = False
        self.plot.update_layers(columns)
        self.plot.show_only(list(columns))
        values = np.concatenate([found["value"] for found in columns.values()])
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        room = 0.05 * (high - low) or 1.0
        self.plot.set_range((0.0, float(table["distance"][-1])), (low - room, high + room))
        self.plot.figure.xaxis.axis_label = distance_label(table)
        self.plot.figure.yaxis.axis_label = field_label(table.attrs["field"], unit)
        self.plot.restyle(theme)

    def _write(self, detail: str, names: list[str]) -> None:
        labels, theme = self._session.labels, self._session.state.theme
        samples = "".join(
            f'<span class="sample">{line_sample(name, model_colour(name, theme), length=26, width=2.2)} '
            f"{escape(labels.get(name, name))}</span>"
            for name in names
        )
        self._head.object = (
            f'<div class="head"><span class="title">Transect</span>{samples}'
            f'<span class="detail">{escape(detail)}</span></div>'
        )

    def _show_line(self, text: str, projection: Projection) -> None:
        lined = (text, projection)
        if lined == self._lined:
            return
        self._lined = lined
        xs, ys = [], []
        if text:
            _, latitude, longitude = great_circle(*parse_transect(text), 181)
            x, y = projection.forward(_turned(longitude, projection), latitude)
            # A line that leaves the map on one side comes back on the other.
            jump = np.abs(np.diff(x, prepend=x[0])) > 0.5 * np.ptp(projection.outline()[:, 0])
            xs, ys = [np.where(jump | ~np.isfinite(x), np.nan, x)], [y]
        self._shared.line.data = {"xs": xs, "ys": ys}


def _turned(longitude: np.ndarray, projection: Projection) -> np.ndarray:
    """Longitudes as a map has them, which is west to east of its area."""
    middle = projection.central_longitude
    return middle + (longitude - middle + 180.0) % 360.0 - 180.0
