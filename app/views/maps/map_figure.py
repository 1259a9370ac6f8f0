"""One map: a plot of the library that HoloViews renders once, of which every map is a copy that is redrawn by replacing its data."""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.events import MouseLeave, MouseMove
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    Div,
    HoverTool,
    Label,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
)

import atmodist_core as ad
from app.views.maps.drawing import EVENTS, Drawing
from app.views.maps.pixels import Picture, centred_longitude, edges
from app.views.shared.axes import cross_hair, set_range
from app.views.shared.elements import column, figure_pane
from app.views.shared.size_probe import SizeProbe
from atmodist_core.fields.grid.projections import Area, Projection, inverse_of
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.look.style import FONT, restyle, theme_of
from atmodist_core.plots.map_plots.geography import (
    cities_of,
    coastline_of,
    degrees_layer,
    degrees_of,
    geography_of,
    graticule_of,
)
from atmodist_core.plots.map_plots.panels import map_of

logger = logging.getLogger("atmodist.app")

AXIS_WIDTH, AXIS_HEIGHT, RIGHT_BORDER, TOP_BORDER = 42, 22, 8, 4
"""Space around the map for the labels of the axes [pixels]."""

MOST_COLUMNS, MOST_ROWS = 4096, 2304
"""Largest size of a map [pixels] that the server draws means for: the browser reports the size, and a forged one must not cost memory."""

LEAST_RATIO, MOST_RATIO = 1.0, 2.4
"""Narrowest and widest frame of a map: its width relative to its height."""

FIRST_AREA = Area(-25.0, 45.0, 30.0, 75.0)
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


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the map of which every map is a copy: rendering takes HoloViews a tenth of a second, which six maps of every visitor would pay.

    The cross hair and the label at the pointer are models of Bokeh's: HoloViews would ask the server at every move of the pointer.
    """
    projection = Projection("plate-carree", FIRST_AREA)
    axes = ["longitude", "latitude"]
    picture = holoviews().Image(np.zeros((2, 2), np.float32), axes, bounds=(0, 0, 1, 1), label="field")
    coast, cities = geography_of(projection, coastlines=True, cities=True, theme="light")
    graticule = coast.clone(label="graticule").opts(line_width=0.5)
    line = coast.clone(label="line").opts(line_width=2.2)
    layers = [layer.clone([]) for layer in (graticule, coast, cities, line)]
    layers.append(degrees_layer(projection, "light"))
    map_ = map_of(picture, layers, projection, "light")
    plot = LivePlot(map_, toolbar=None)
    figure = plot.figure
    figure.update(
        # The frame around it sets the size: see `MapFigure.pane`.
        width=None,
        height=None,
        sizing_mode="stretch_width",
        styles={"position": "absolute", "inset": "0", "width": "100%", "height": "100%"},
        min_border_left=AXIS_WIDTH,
        min_border_bottom=AXIS_HEIGHT,
        min_border_right=RIGHT_BORDER,
        min_border_top=TOP_BORDER,
        output_backend="canvas",
        # Parts that a map never shows: each would be created for every map, here and in the browser.
        title=None,
        center=[],
        tools=[
            tool for tool in figure.tools if isinstance(tool, PanTool | WheelZoomTool | ResetTool | HoverTool)
        ],
    )
    figure.toolbar.active_scroll.zoom_on_axis = False
    plot.source("field").data = MapFigure.data_of(None)
    for axis in figure.axis:
        axis.ticker.update(desired_num_ticks=5, mantissas=[1, 2, 3, 6])
        axis.major_label_standoff = 3
    cross_hair(figure)
    screen = {"x": 6, "y": 6, "x_units": "screen", "y_units": "screen"}
    figure.add_layout(
        Label(text_font=FONT, text_font_size="12px", padding=4, visible=False, border_radius=3, **screen)
    )
    return plot


@lru_cache(maxsize=1)
def _own_models() -> frozenset[str]:
    """Return the ids of the models of the template that no two maps share: tools, field, label at the pointer, and layers with their visible points."""
    plot = template()
    figure, field = plot.figure, plot.renderer("field")
    layers = [part for layer in figure.renderers for part in (layer, layer.view)]
    parts = (
        figure,
        figure.toolbar,
        *figure.tools,
        *layers,
        field.glyph,
        field.data_source,
        figure.center[-1],
    )
    return frozenset(one.id for one in parts)


class SharedMap:
    """The projection, the visible area, the geography and the unit of the values, shared by all maps of a view."""

    def __init__(self) -> None:
        area = FIRST_AREA
        self.projection = Projection("plate-carree", area)
        self.x_range, self.y_range = Range1d(area.west, area.east), Range1d(area.south, area.north)
        self.graticule = ColumnDataSource({"xs": [], "ys": []})
        # A transect, or what is being drawn.
        self.line = ColumnDataSource({"xs": [], "ys": []})
        self.coast = ColumnDataSource({"xs": [], "ys": []})
        self.cities = ColumnDataSource({"longitude": [], "latitude": [], "city": []})
        self.degrees = ColumnDataSource({"longitude": [], "latitude": [], "text": []})
        # Models of the document, so that the pointer's script sees their changes.
        self.unit, self.inverse = Div(text="", visible=False), Div(text="{}", visible=False)
        plot = template()
        sources = {
            "graticule": self.graticule,
            "coastlines": self.coast,
            "cities": self.cities,
            "line": self.line,
            "degrees": self.degrees,
        }
        self.models: dict[str, Any] = {
            plot.figure.x_range.id: self.x_range,
            plot.figure.y_range.id: self.y_range,
            **{plot.source(name).id: source for name, source in sources.items()},
        }
        """Models that all maps have in common, by their ids in the template."""

    def show_area(self, fields: Any, name: str = "plate-carree") -> None:
        """Show the area of some fields in a projection, also after a reset of the zoom.

        Raises
        ------
        UserError
            If the projection cannot show this area: it is shown in plate carree then.
        """
        latitude, longitude = fields["latitude"].values, fields["longitude"].values
        west, south, width, height = edges(latitude, centred_longitude(longitude))
        area = Area(west, west + width, south, south + height)
        try:
            self._show(Projection(name, area))
        except ad.UserError:
            self._show(Projection("plate-carree", area))
            raise

    def _show(self, projection: Projection) -> None:
        self.projection = projection
        nothing = np.empty(0)
        coast, cities = np.empty((0, 2)), (nothing, nothing, nothing)
        try:
            coast, cities = coastline_of(projection), cities_of(projection)
        except ad.UserError as error:
            logger.warning("maps are drawn without coastlines and cities: %s", error)
        lines = graticule_of(projection)
        self.coast.data = {"xs": [coast[:, 0]], "ys": [coast[:, 1]]}
        self.graticule.data = {"xs": [lines[:, 0]], "ys": [lines[:, 1]]}
        self.cities.data = dict(zip(("longitude", "latitude", "city"), cities, strict=True))
        self.degrees.data = dict(zip(("longitude", "latitude", "text"), degrees_of(projection), strict=True))
        self.inverse.text = json.dumps(inverse_of(projection))
        west, east, south, north = self.extent
        set_range(self.x_range, west, east)
        set_range(self.y_range, south, north)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south and north of all that is shown, in the plane [degrees or metres]."""
        area = self.projection.area
        if self.projection.is_plane:
            return area.west, area.east, area.south, area.north
        outline = self.projection.outline()
        middle = 0.5 * (outline.min(axis=0) + outline.max(axis=0))
        width, height = 1.02 * np.ptp(outline, axis=0)
        # Shapes are true in the shape of the frame too.
        width, height = max(width, LEAST_RATIO * height), max(height, width / MOST_RATIO)
        x, y = float(middle[0]), float(middle[1])
        return x - width / 2, x + width / 2, y - height / 2, y + height / 2

    @property
    def ratio(self) -> float:
        """Width of the frame relative to its height: in plate carree a degree is as wide as it is high, within what fits on a screen."""
        west, east, south, north = self.extent
        return min(max((east - west) / (north - south), LEAST_RATIO), MOST_RATIO)


class MapFigure:
    """A map with coast, cities, cross hair and a label with the value under the pointer of any map.

    ``label`` is the title for screen readers; ``probe`` measures this map or one of the same size, and :meth:`carry_probe` puts it over this map.
    """

    def __init__(self, shared: SharedMap, mapper: LinearColorMapper, label: str, probe: SizeProbe) -> None:
        self._probe = probe
        plot = template().copy(shared.models, _own_models())
        self.figure, self.source, self._image = plot.figure, plot.source("field"), plot.renderer("field")
        self._image.glyph.color_mapper = mapper
        self._shared = shared
        names = ("graticule", "coastlines", "cities", "line", "degrees")
        self._graticule, self._coast, self._cities, self._line, self._degrees = map(plot.renderer, names)
        self.vertical, self.horizontal, self.badge = self.figure.center
        self.figure.name = f"map of {label}"
        self.pane = column(figure_pane(self.figure))
        self._set_shape(1.55)

    def carry_probe(self) -> None:
        """Put the probe over this map."""
        self.pane.append(self._probe)

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Columns and rows of pixels of the map; None before the browser has reported them."""
        columns = min(self._probe.columns, MOST_COLUMNS) - AXIS_WIDTH - RIGHT_BORDER
        rows = min(self._probe.rows, MOST_ROWS) - AXIS_HEIGHT - TOP_BORDER
        return (columns, rows) if min(columns, rows) > 0 else None

    def fit_area(self) -> None:
        """Take the shape of the area that is shown, and axes in degrees where the projection has them."""
        projection = self._shared.projection
        self._set_shape(self._shared.ratio)
        for axis in self.figure.axis:
            axis.visible = projection.is_plane
        # 150 cities on a small globe would hide the field.
        wide = projection.area.east - projection.area.west > 180
        self._cities.glyph.update(size=2.2 if wide else 3.5, line_width=0.4 if wide else 0.7)

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
        ink = theme_of(theme)
        restyle(self.figure, theme)
        self._graticule.glyph.update(line_color=ink.text, line_alpha=0.3)
        self._line.glyph.update(line_color=ink.text, line_alpha=1.0)
        self._coast.glyph.update(line_color=ink.text, line_alpha=0.75)
        self._degrees.glyph.update(text_color=ink.text, background_fill_color=ink.surface)
        self._cities.glyph.update(fill_color=ink.surface, line_color=ink.text)
        self.vertical.line_color = self.horizontal.line_color = ink.text
        self.badge.update(text_color=ink.text, background_fill_color=ink.surface, background_fill_alpha=0.9)


def share_pointer(maps: list[MapFigure], shared: SharedMap, drawing: Drawing | None = None) -> None:
    """Show the place of the pointer, and the values there, in all maps; let all be drawn on."""
    names = ("source", "vertical", "horizontal", "badge", "figure")
    panels = [{name: getattr(one, name) for name in names} for one in maps]
    script = CustomJS(
        args={"panels": panels, "unit": shared.unit, "inverse": shared.inverse}, code=_POINTER_CODE
    )
    if drawing is not None:
        drawing.set_maps([one.figure for one in maps])
    for one in maps:
        # Replaced, not added to: the set of maps changes.
        callbacks = {MouseMove.event_name: [script], MouseLeave.event_name: [script]}
        if drawing is not None:
            for name in EVENTS:
                callbacks[name] = [*callbacks.get(name, []), drawing.script]
        one.figure.js_event_callbacks = callbacks
