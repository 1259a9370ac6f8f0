"""The density of a field at a city, for the truth and every method: a copy of the library's plot."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.theme.theme import LIGHT
from app.views.shared.axes import fit_page
from atmodist_core.plots.city_plots import QUANTILES, density_columns, density_plot, quantile_columns
from atmodist_core.plots.live import LivePlot, batch_model_updates
from atmodist_core.plots.look.style import line_options
from atmodist_core.plots.look.units import field_label, field_unit

HEIGHT = 196
TRUTH = "truth"


@lru_cache(maxsize=4)
def template(field: str) -> LivePlot:
    """Return the plot of a field of which every figure is a copy; its only line is the truth's."""
    unit = field_unit(field)
    plot = LivePlot(density_plot({TRUTH: np.linspace(-1, 1, 8)}, field_label(field, unit), unit.text))
    figure = plot.figure
    fit_page(figure, zoom={"dimensions": "width"}, height=HEIGHT, min_border_left=46, min_border_right=8)
    # The axis has no room for its name, and the title of the card names it; lines have their colours in the table below.
    figure.update(min_border_top=6, right=[])
    figure.yaxis.axis_label = None
    figure.xaxis.ticker.desired_num_ticks = 5
    figure.yaxis.ticker.desired_num_ticks = 4
    return plot


class DensityFigure:
    """A histogram per method, drawn once and updated in place; ``name`` identifies the figure."""

    def __init__(self, field: str, name: str) -> None:
        self.plot = template(field).copy()
        self.figure = self.plot.figure
        self.figure.name = name
        self.plot.show_only(())

    def draw(self, samples: Mapping[str, NDArray[np.float32]], styles: Mapping[str, tuple[str, str]]) -> None:
        """Show samples by name, ``truth`` among them, in the unit of display; ``styles`` are label and colour."""
        self.plot.show_only((*samples, QUANTILES) if samples else ())
        if not samples:
            return
        missing = [name for name in samples if name not in self.plot.labels]
        if missing:
            with batch_model_updates(self.figure):
                for name in missing:
                    self.plot.add_layer(name, like=TRUTH)
        columns, ends = density_columns(samples)
        self.plot.update_layers({**columns, QUANTILES: quantile_columns(samples[TRUTH])})
        for name in samples:
            line, (label, colour) = self.plot.renderer(name), styles[name]
            line.name = label
            line.glyph.update(line_color=colour, **_shape(name))
        edges = columns[TRUTH]["value"]
        margin = 0.03 * (edges[-1] - edges[0])
        self.plot.set_range((edges[0] - margin, edges[-1] + margin), ends)


@lru_cache(maxsize=64)
def _shape(name: str) -> dict[str, Any]:
    """Width and dashes of a method's line."""
    look = line_options(name, LIGHT)
    return {"line_width": look["line_width"], "line_dash": look["line_dash"]}
