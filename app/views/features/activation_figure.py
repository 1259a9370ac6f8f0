"""The field at this time with lines of equal activation of the filter over it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from bokeh.models import LinearColorMapper

import atmodist_core as ad
from app.compute.colour_limits import ends, rounded_limit
from app.session.distances.feature_work import FeatureResult
from app.state.choices import FIELDS
from app.views.maps.map_figure import MapFigure, SharedMap, share_pointer
from app.views.maps.painter import Painter
from app.views.maps.pixels import centred
from app.views.shared import colour_bar
from app.views.shared.elements import html
from app.views.shared.size_probe import SizeProbe
from atmodist_core.fields.grid.projections import Area
from atmodist_core.plots.feature_plots.feature_maps import activation_lines
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import field_unit
from atmodist_core.plots.map_plots.geography import joined


class ActivationFigure:
    """A map; its colour bar is in ``bar``."""

    def __init__(self) -> None:
        self._shared = SharedMap()
        self._painter = Painter(self._shared)
        self._scale = LinearColorMapper(palette=["#888888"], low=-1, high=1, nan_color="#00000000")
        self._map = MapFigure(self._shared, self._scale, "activation", SizeProbe())
        self._map.figure.select_one({"name": "line"}).glyph.line_width = 1.5
        self._map.carry_probe()
        share_pointer([self._map], self._shared)
        self.pane = self._map.pane
        self.bar = html(css=colour_bar.STYLES, height=34)
        self._area: Any = None
        self.strongest = 0.0

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        self._map.use_theme(theme)

    def draw(self, result: FeatureResult | None, theme: str) -> None:
        """Show the field and the lines; or none."""
        if result is None or "map" not in result.tables:
            self._painter.clear(self._map.draw)
            self._shared.line.data = {"xs": [], "ys": []}
            return
        field = result.question.field
        shown, active = result.tables["map"][field], result.tables["activation"]["activation"]
        key = (result.question.data_set, result.question.level, result.question.region)
        if key != self._area:
            self._area = key
            with suppress(ad.UserError):
                self._shared.show_area(shown)
            self._map.fit_area()
        unit = field_unit(field)
        limit = rounded_limit(shown.values, unit.factor)
        low, high = ends(limit, field)
        colours = colour_map(True, theme)
        self._scale.update(palette=list(colours), low=low, high=high)
        self._shared.unit.text = unit.text
        self.bar.object = colour_bar.colour_bar_html([(f"{FIELDS[field]} [{unit.text}]", colours, low, high)])
        values = centred(np.asarray(shown.values) * np.float32(unit.factor), shown)
        self._painter.paint(self._map, (result.question, "features"), *values, "native")
        west, east, south, north = self._shared.extent
        lines = activation_lines(active, Area(west, east, south, north))
        self.strongest = max((value / level for level, value, _ in lines), default=0.0)
        line = joined([points for _, _, points in lines])
        self._shared.line.data = {"xs": [line[:, 0]], "ys": [line[:, 1]]}
