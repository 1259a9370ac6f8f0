"""Sends to maps only the pictures that they do not show already."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from app.views.maps.map_figure import MapFigure, SharedMap
from app.views.maps.pixels import MOST_NATIVE_POINTS, Picture, Viewport, native_statement, picture


class Painter:
    """Draws fields on the maps of a view."""

    def __init__(self, shared: SharedMap) -> None:
        self._shared = shared
        self._shown: dict[Callable[[Picture | None], None], tuple[Hashable, str]] = {}

    def viewport(self, one: MapFigure) -> Viewport:
        """Return the visible area of a map, and its pixels if the browser has reported them."""
        columns, rows = one.pixels or (None, None)
        x, y = self._shared.x_range, self._shared.y_range
        edges = (float(x.start), float(x.end), float(y.start), float(y.end))
        return Viewport(*edges, columns, rows, self._shared.projection)

    def paint(
        self,
        one: MapFigure,
        token: Hashable,
        values: np.ndarray,
        latitude: np.ndarray,
        longitude: np.ndarray,
        pixels: str,
        draw: Callable[[Picture | None], None] | None = None,
    ) -> str:
        """Draw a field in the unit of display on a map, or hand its picture to ``draw``; return a sentence on its pixels.

        ``token`` identifies the values, shape ``(latitude, longitude)`` with decreasing and increasing degrees.
        """
        viewport = self.viewport(one)
        native = pixels == "native" and values.size <= MOST_NATIVE_POINTS and viewport.is_plane
        # Means and projections depend on the visible area, native points do not.
        key = (token, native) if native else (token, native, viewport)
        draw = draw or one.draw
        shown = self._shown.get(draw)
        if shown is not None and shown[0] == key:
            if native:
                return native_statement(float(longitude[1] - longitude[0]), viewport)
            return shown[1]
        drawn = picture(values, latitude, longitude, viewport, pixels)
        draw(drawn)
        self._shown[draw] = (key, drawn.statement)
        return drawn.statement

    def clear(self, draw: Callable[[Picture | None], None]) -> None:
        """Draw nothing."""
        if self._shown.pop(draw, None) is not None:
            draw(None)
