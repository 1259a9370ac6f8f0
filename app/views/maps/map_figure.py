"""One map as a Bokeh figure that is built once and redrawn by replacing its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import panel as pn
from bokeh.events import MouseLeave, MouseMove
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    Div,
    Grid,
    HoverTool,
    Label,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    Span,
    WheelZoomTool,
)
from bokeh.plotting import figure

from app.theme.theme import INKS
from app.views.maps.pixels import Picture
from app.views.shared.axes import FONT, set_fonts, style_axes
from app.views.shared.size_probe import SizeProbe

AXIS_WIDTH, AXIS_HEIGHT, RIGHT_BORDER, TOP_BORDER = 42, 22, 8, 4
"""Room around the map, for the labels of the axes [pixels]."""

_LONGITUDE = (
    "const l = ((tick + 540) % 360) - 180; const a = Math.abs(l);"
    " return a === 0 || a === 180 ? `${a}°` : `${a}°${l < 0 ? 'W' : 'E'}`"
)
_LATITUDE = "return tick === 0 ? '0°' : `${Math.abs(tick)}°${tick < 0 ? 'S' : 'N'}`"
_POINTER_CODE = (Path(__file__).parent / "pointer.js").read_text(encoding="utf-8")


# Bokeh's own `aspect_ratio` counts the axes in, and in a CSS grid it never comes to rest; the browser's does neither: it holds for the
# content of this box, which is the map, while its padding holds the axes.
_FRAME = {
    "position": "relative",
    "flex": "none",
    "height": "auto",
    "box-sizing": "content-box",
    "width": f"calc(100% - {AXIS_WIDTH + RIGHT_BORDER}px)",
    "padding": f"{TOP_BORDER}px {RIGHT_BORDER}px {AXIS_HEIGHT}px {AXIS_WIDTH}px",
}


class SharedMap:
    """What all maps of a view have in common: the visible area, the geography and the unit of the values."""

    def __init__(self) -> None:
        self.x_range = Range1d(-25, 45)
        self.y_range = Range1d(30, 75)
        self.coast = ColumnDataSource({"x": [], "y": []})
        self.cities = ColumnDataSource({"x": [], "y": [], "name": []})
        # A model of the document, so that the pointer's script sees a change of the unit.
        self.unit = Div(text="", visible=False)

    def set_area(self, west: float, south: float, width: float, height: float) -> None:
        """Show an area [degrees] and make it what "reset" returns to."""
        for visible, low, high in ((self.x_range, west, west + width), (self.y_range, south, south + height)):
            visible.update(start=low, end=high, reset_start=low, reset_end=high)


class MapFigure:
    """A map with coast, cities, cross hair and a badge that shows the value under the pointer of any map.

    Parameters
    ----------
    shared : SharedMap
        Ranges and geography, the same for all maps of a view.
    mapper : LinearColorMapper
        Colour scale, shared by the maps that use the same.
    label : str
        What the map shows, for screen readers.
    probe : SizeProbe
        Knows the size of this map, or of one of the same size; :meth:`carry_probe` puts it over this map.
    """

    def __init__(self, shared: SharedMap, mapper: LinearColorMapper, label: str, probe: SizeProbe) -> None:
        self._probe = probe
        self.source = ColumnDataSource(self.data_of(None))
        wheel, pan = WheelZoomTool(zoom_on_axis=False), PanTool()
        plot = figure(
            x_range=shared.x_range,
            y_range=shared.y_range,
            tools=[pan, wheel, ResetTool()],
            active_scroll=wheel,
            active_drag=pan,
            toolbar_location=None,
            sizing_mode="stretch_width",
            # The frame around it has the size: see `pane`.
            styles={"position": "absolute", "inset": "0", "width": "100%", "height": "100%"},
            min_border_left=AXIS_WIDTH,
            min_border_bottom=AXIS_HEIGHT,
            min_border_right=RIGHT_BORDER,
            min_border_top=TOP_BORDER,
            output_backend="canvas",
            name=f"map of {label}",
        )
        self.figure = plot
        self._image = plot.image(
            image="image", x="x", y="y", dw="dw", dh="dh", source=self.source, color_mapper=mapper
        )
        self._coast = plot.line(x="x", y="y", source=shared.coast, line_width=0.9)
        self._cities = plot.scatter(x="x", y="y", source=shared.cities, size=3.5, line_width=0.7)
        plot.add_tools(HoverTool(renderers=[self._cities], tooltips="@name", point_policy="snap_to_data"))
        self.vertical = Span(dimension="height", line_width=0.8, line_dash="dotted", visible=False)
        self.horizontal = Span(dimension="width", line_width=0.8, line_dash="dotted", visible=False)
        self.badge = Label(
            x=6,
            y=6,
            x_units="screen",
            y_units="screen",
            text_font=FONT,
            text_font_size="12px",
            padding=4,
            visible=False,
        )
        self.badge.border_radius = 3
        for part in (self.vertical, self.horizontal, self.badge):
            plot.add_layout(part)
        _strip(plot)
        plot.xaxis.formatter = CustomJSTickFormatter(code=_LONGITUDE)
        plot.yaxis.formatter = CustomJSTickFormatter(code=_LATITUDE)
        self.pane = pn.Column(
            pn.pane.Bokeh(plot, margin=0, sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
            margin=0,
            styles={**_FRAME, "aspect-ratio": "1.55"},
        )
        set_fonts(plot)
        for axis in plot.axis:
            axis.ticker.desired_num_ticks = 5
            axis.ticker.mantissas = [1, 2, 3, 6]
            axis.major_label_standoff = 3

    def carry_probe(self) -> None:
        """Put the probe over this map."""
        self.pane.append(self._probe)

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Pixels across and along the map; None before the browser has said so."""
        columns = self._probe.columns - AXIS_WIDTH - RIGHT_BORDER
        rows = self._probe.rows - AXIS_HEIGHT - TOP_BORDER
        return (columns, rows) if min(columns, rows) > 0 else None

    def set_aspect(self, width_deg: float, height_deg: float) -> None:
        """Give the map the shape in which a degree is as wide as it is high, within what a screen can show."""
        shape = min(max(width_deg / height_deg, 1.0), 2.4)
        self.pane.styles = {**_FRAME, "aspect-ratio": f"{shape:.4f}"}
        # 150 cities on a small globe would hide what is under them.
        self._cities.glyph.update(
            size=2.2 if width_deg > 180 else 3.5, line_width=0.4 if width_deg > 180 else 0.7
        )

    def draw(self, picture: Picture | None) -> None:
        """Show a picture, or none, in place."""
        self.source.data = self.data_of(picture)

    @staticmethod
    def data_of(picture: Picture | None) -> dict[str, Any]:
        """Columns of the data source for a picture, empty ones for none."""
        if picture is None:
            return {"image": [], "x": [], "y": [], "dw": [], "dh": []}
        return {
            "image": [picture.image],
            "x": [picture.west],
            "y": [picture.south],
            "dw": [picture.width],
            "dh": [picture.height],
        }

    def use_mapper(self, mapper: LinearColorMapper) -> None:
        """Take another colour scale."""
        if self._image.glyph.color_mapper is not mapper:
            self._image.glyph.color_mapper = mapper

    def use_theme(self, theme: str) -> None:
        """Take the colours of a theme."""
        ink = INKS[theme]
        style_axes(self.figure, ink)
        self._coast.glyph.update(line_color=ink.text, line_alpha=0.75)
        self._cities.glyph.update(fill_color=ink.surface, line_color=ink.text)
        self.vertical.line_color = self.horizontal.line_color = ink.text
        self.badge.update(text_color=ink.text, background_fill_color=ink.surface, background_fill_alpha=0.9)


def _strip(plot: Any) -> None:
    """Take off what a map never shows: every part of it is made once in the server and once in the browser, for each of the maps."""
    plot.title = None
    plot.center = [part for part in plot.center if not isinstance(part, Grid)]
    for renderer in plot.renderers:
        # How points would look that are not selected, or muted.
        renderer.update(nonselection_glyph=None, muted_glyph=None)


def share_pointer(maps: list[MapFigure], shared: SharedMap) -> None:
    """Let the pointer of any map show its place and value in all of them."""
    panels = [
        {
            "source": one.source,
            "vertical": one.vertical,
            "horizontal": one.horizontal,
            "badge": one.badge,
            "figure": one.figure,
        }
        for one in maps
    ]
    script = CustomJS(args={"panels": panels, "unit": shared.unit}, code=_POINTER_CODE)
    for one in maps:
        # Only this script listens to these events; the maps on show change, and with them the list.
        one.figure.js_event_callbacks = {MouseMove.event_name: [script], MouseLeave.event_name: [script]}
