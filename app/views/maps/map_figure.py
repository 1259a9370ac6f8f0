"""One map as a Bokeh figure that is built once and redrawn by replacing its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    Range1d,
    WheelZoomTool,
)

from app.theme.theme import INKS
from app.views.maps.pixels import Picture, centred_longitude, edges
from app.views.shared import geography
from app.views.shared.axes import FONT, cross_hair, interactive_figure, set_range, style_axes
from app.views.shared.elements import column, figure_pane
from app.views.shared.size_probe import SizeProbe
from atmodist_core.plots.look.style import LATITUDE_LABEL, LONGITUDE_LABEL

AXIS_WIDTH, AXIS_HEIGHT, RIGHT_BORDER, TOP_BORDER = 42, 22, 8, 4
"""Space around the map for the labels of the axes [pixels]."""

MOST_COLUMNS, MOST_ROWS = 4096, 2304
"""Largest size of a map [pixels] that the server draws means for: the browser reports the size, and a forged one must not cost memory."""

_POINTER_CODE = (Path(__file__).parent / "pointer.js").read_text(encoding="utf-8")


# Bokeh's own `aspect_ratio` includes the axes, and in a CSS grid it never settles. The browser's does neither: it applies to the content of
# this box, which is the map; the padding holds the axes.
_FRAME = {
    "position": "relative",
    "flex": "none",
    "height": "auto",
    "box-sizing": "content-box",
    "width": f"calc(100% - {AXIS_WIDTH + RIGHT_BORDER}px)",
    "padding": f"{TOP_BORDER}px {RIGHT_BORDER}px {AXIS_HEIGHT}px {AXIS_WIDTH}px",
}


class SharedMap:
    """The visible area, the geography and the unit of the values, shared by all maps of a view."""

    def __init__(self) -> None:
        self.x_range = Range1d(-25, 45)
        self.y_range = Range1d(30, 75)
        self.coast = ColumnDataSource({"x": [], "y": []})
        self.cities = ColumnDataSource({"x": [], "y": [], "name": []})
        # A model of the document, so that the pointer's script sees a change of the unit.
        self.unit = Div(text="", visible=False)

    def show_area(self, fields: Any) -> tuple[float, float]:
        """Show the area of some fields, also after a reset of the zoom, and return its width and height [degrees]."""
        latitude, longitude = fields["latitude"].values, fields["longitude"].values
        west, south, width, height = edges(latitude, centred_longitude(longitude))
        set_range(self.x_range, west, west + width)
        set_range(self.y_range, south, south + height)
        box = (west, west + width, south, south + height)
        self.coast.data = dict(geography.coastline_data(*box))
        self.cities.data = dict(geography.city_data(*box))
        return width, height


class MapFigure:
    """A map with coast, cities, cross hair and a label with the value under the pointer of any map.

    ``label`` is the title for screen readers; ``probe`` measures this map or one of the same size, and :meth:`carry_probe` puts it over this map.
    """

    def __init__(self, shared: SharedMap, mapper: LinearColorMapper, label: str, probe: SizeProbe) -> None:
        self._probe = probe
        self.source = ColumnDataSource(self.data_of(None))
        plot = interactive_figure(
            zoom={"zoom_on_axis": False},
            x_range=shared.x_range,
            y_range=shared.y_range,
            # The frame around it sets the size: see `pane`.
            styles={"position": "absolute", "inset": "0", "width": "100%", "height": "100%"},
            min_border_left=AXIS_WIDTH,
            min_border_bottom=AXIS_HEIGHT,
            min_border_right=RIGHT_BORDER,
            min_border_top=TOP_BORDER,
            output_backend="canvas",
            name=f"map of {label}",
        )
        plot.toolbar.active_scroll = plot.select_one(WheelZoomTool)
        self.figure = plot
        self._image = plot.image(
            image="image", x="x", y="y", dw="dw", dh="dh", source=self.source, color_mapper=mapper
        )
        self._coast = plot.line(x="x", y="y", source=shared.coast, line_width=0.9)
        self._cities = plot.scatter(x="x", y="y", source=shared.cities, size=3.5, line_width=0.7)
        plot.add_tools(HoverTool(renderers=[self._cities], tooltips="@name", point_policy="snap_to_data"))
        self.vertical, self.horizontal = cross_hair(plot)
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
        plot.add_layout(self.badge)
        _strip(plot)
        plot.xaxis.formatter = CustomJSTickFormatter(code=LONGITUDE_LABEL)
        plot.yaxis.formatter = CustomJSTickFormatter(code=LATITUDE_LABEL)
        self.pane = column(figure_pane(plot))
        self._set_shape(1.55)
        for axis in plot.axis:
            axis.ticker.desired_num_ticks = 5
            axis.ticker.mantissas = [1, 2, 3, 6]
            axis.major_label_standoff = 3

    def carry_probe(self) -> None:
        """Put the probe over this map."""
        self.pane.append(self._probe)

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Columns and rows of pixels of the map; None before the browser has reported them."""
        columns = min(self._probe.columns, MOST_COLUMNS) - AXIS_WIDTH - RIGHT_BORDER
        rows = min(self._probe.rows, MOST_ROWS) - AXIS_HEIGHT - TOP_BORDER
        return (columns, rows) if min(columns, rows) > 0 else None

    def set_aspect(self, width_deg: float, height_deg: float) -> None:
        """Set the shape in which a degree is as wide as it is high, within what fits on a screen."""
        self._set_shape(min(max(width_deg / height_deg, 1.0), 2.4))
        # 150 cities on a small globe would hide the field.
        self._cities.glyph.update(
            size=2.2 if width_deg > 180 else 3.5, line_width=0.4 if width_deg > 180 else 0.7
        )

    def _set_shape(self, ratio: float) -> None:
        self.pane.styles = {**_FRAME, "aspect-ratio": f"{ratio:.4f}"}

    def draw(self, picture: Picture | None) -> None:
        """Show a picture, or none."""
        self.source.data = self.data_of(picture)

    @staticmethod
    def data_of(picture: Picture | None) -> dict[str, Any]:
        """Return the columns of the data source for a picture; empty for none."""
        if picture is None:
            return {"image": [], "x": [], "y": [], "dw": [], "dh": []}
        west, south, width, height = picture.west, picture.south, picture.width, picture.height
        return {"image": [picture.image], "x": [west], "y": [south], "dw": [width], "dh": [height]}

    def use_mapper(self, mapper: LinearColorMapper) -> None:
        """Set the colour scale."""
        if self._image.glyph.color_mapper is not mapper:
            self._image.glyph.color_mapper = mapper

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink = INKS[theme]
        style_axes(self.figure, ink)
        self._coast.glyph.update(line_color=ink.text, line_alpha=0.75)
        self._cities.glyph.update(fill_color=ink.surface, line_color=ink.text)
        self.vertical.line_color = self.horizontal.line_color = ink.text
        self.badge.update(text_color=ink.text, background_fill_color=ink.surface, background_fill_alpha=0.9)


def _strip(plot: Any) -> None:
    """Remove parts that a map never shows: each is created on the server and in the browser, for every map."""
    plot.title = None
    plot.center = [part for part in plot.center if not isinstance(part, Grid)]
    for renderer in plot.renderers:
        # The looks of points that are not selected, or muted.
        renderer.update(nonselection_glyph=None, muted_glyph=None)


def share_pointer(maps: list[MapFigure], shared: SharedMap) -> None:
    """Show the place of the pointer, and the values there, in all maps."""
    names = ("source", "vertical", "horizontal", "badge", "figure")
    panels = [{name: getattr(one, name) for name in names} for one in maps]
    script = CustomJS(args={"panels": panels, "unit": shared.unit}, code=_POINTER_CODE)
    for one in maps:
        # Replaced, not added to: the set of maps changes.
        one.figure.js_event_callbacks = {MouseMove.event_name: [script], MouseLeave.event_name: [script]}
