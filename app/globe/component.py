"""The globe as a component of the page; its source is in ``src``, bundled by ``npm run build``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import param
from panel.custom import JSComponent

from app.globe.texture import COLUMNS, ROWS


class Globe(JSComponent):
    """A globe to turn, with a field over it, cities to select and regions to draw.

    There is only a bundle and no source for the browser: with one, Panel would take it under ``--dev`` and ask a content
    delivery network for d3.
    """

    field = param.Bytes(default=b"", doc="Picture of the field, from app.globe.texture; empty for none.")
    rows = param.Integer(default=ROWS, doc="Rows of the picture.")
    columns = param.Integer(default=COLUMNS, doc="Columns of the picture.")
    palette: Any = param.List(default=["#888888", "#888888"], doc="Colours from low to high.")
    low = param.Number(default=-1.0, doc="Value of the first colour, in the unit of display.")
    high = param.Number(default=1.0, doc="Value of the last colour.")
    unit = param.String(default="", doc="Unit of display.")
    coast_moving = param.Bytes(
        default=b"", doc="Coastline while moving: int16 hundredths of degrees, x and y."
    )
    coast_moving_starts = param.Bytes(default=b"", doc="First point of each of its lines: int32.")
    coast_resting = param.Bytes(default=b"", doc="Coastline at rest.")
    coast_resting_starts = param.Bytes(default=b"", doc="First point of each of its lines.")
    places: Any = param.List(default=[], doc="Per city: name, country, latitude, longitude.")
    marks: Any = param.List(
        default=[], doc="Per city: shape (up, down, dash, circle, small), colour, and a note."
    )
    selected: Any = param.List(default=[], item_type=str, doc="Names of the selected cities; two-way.")
    region: Any = param.List(default=[], doc="South, north, west, east of the selected region, or nothing.")
    longitude = param.Number(default=0.0, doc="Place in the middle; two-way, told when the globe rests.")
    latitude = param.Number(default=20.0, doc="Place in the middle.")
    zoom = param.Number(default=1.0, doc="1 shows the whole globe.")
    theme = param.String(default="light", doc="light or dark.")
    label = param.String(default="Globe", doc="What a screen reader is told first.")

    _bundle = "globe.bundle.js"

    on_region: Callable[[tuple[float, float, float, float]], None] | None = None
    """Called with south, north, west, east when a region has been drawn."""

    def _handle_msg(self, data: Any) -> None:
        edges = data.get("region") if isinstance(data, dict) else None
        if self.on_region is None or not isinstance(edges, list) or len(edges) != 4:
            return
        if all(isinstance(edge, int | float) for edge in edges):
            south, north, west, east = map(float, edges)
            self.on_region((south, north, west, east))


@lru_cache(maxsize=1)
def coast_parameters() -> dict[str, bytes]:
    """Coastlines as the parameters of a globe; raises a UserError where the files are missing."""
    from atmodist_core.common.assets import asset_folder
    from atmodist_core.common.errors import UserError

    file = asset_folder("geography") / "coastlines.npz"
    if not file.is_file():
        raise UserError(
            f"Expected the coastlines at {file}, found none; take them from a clone of the project."
        )
    with np.load(file, allow_pickle=False) as arrays:
        found = {}
        for resolution, name in (("110m", "coast_moving"), ("50m", "coast_resting")):
            found[name] = arrays[f"points_{resolution}"].astype("<i2").tobytes()
            found[f"{name}_starts"] = arrays[f"starts_{resolution}"].astype("<i4").tobytes()
    return found
