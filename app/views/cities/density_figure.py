"""The density of a field at a city on a logarithmic axis, for the truth and every method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from numpy.typing import NDArray

from app.server.batch_model_updates import add_missing
from app.views.shared.axes import interactive_figure, set_range
from atmodist_core.figures.numbers.cities import bin_edges, density, quantiles
from atmodist_core.plots.look.style import line_dash, restyle, theme_of

HEIGHT = 196
SHOWN_QUANTILES = (0, -1)
"""The 2 and 98 % quantiles of the truth, which are marked."""


class DensityFigure:
    """A histogram per method, drawn once and updated in place; ``name`` identifies the figure."""

    def __init__(self, name: str) -> None:
        self._x_range, self._y_range = Range1d(-1, 1), Range1d(1e-3, 1)
        self.figure = interactive_figure(
            zoom={"dimensions": "width"},
            y_axis_type="log",
            x_range=self._x_range,
            y_range=self._y_range,
            height=HEIGHT,
            min_border_left=46,
            min_border_right=8,
            min_border_top=6,
            name=name,
        )
        self.figure.xaxis.ticker.desired_num_ticks = 5
        self.figure.yaxis.ticker.desired_num_ticks = 4
        self._marks = [
            Span(dimension="height", line_width=1, line_dash="dotted", visible=False) for _ in range(2)
        ]
        for mark in self._marks:
            self.figure.add_layout(mark)
        self._lines: dict[str, tuple[ColumnDataSource, Any]] = {}

    def draw(
        self, samples: Mapping[str, NDArray[np.float32]], styles: Mapping[str, tuple[str, str]], label: str
    ) -> None:
        """Show samples by name, ``truth`` first, in the unit of display; ``styles`` are label and colour, ``label`` is that of the horizontal axis."""
        self.figure.xaxis.axis_label = label
        edges = bin_edges(list(samples.values())) if samples else np.array([-1.0, 1.0])
        densities = {name: density(sample, edges) for name, sample in samples.items()}
        positive = np.concatenate([one[one > 0] for one in densities.values()]) if samples else np.ones(1)
        low, high = float(positive.min()) / 2.2, float(positive.max()) * 2.0
        add_missing(self.figure, densities, self._lines, self._line)
        for name, values in densities.items():
            source, line = self._line(name)
            line.glyph.line_color = styles[name][1]
            # Beyond its first and last bin a line drops to the axis; zero has no place on a logarithmic axis.
            padded = np.concatenate([[0.0], values, [0.0]])
            step = edges[1] - edges[0]
            centres = np.concatenate(
                [[edges[0] - step / 2], (edges[1:] + edges[:-1]) / 2, [edges[-1] + step / 2]]
            )
            source.data = {
                "value": centres,
                "density": np.where(padded > 0, padded, low / 50),
                "shown": padded,
                "label": [styles[name][0]] * centres.size,
            }
        for name, (_, line) in self._lines.items():
            line.visible = name in densities
        margin = 0.03 * (edges[-1] - edges[0])
        set_range(self._x_range, edges[0] - margin, edges[-1] + margin)
        set_range(self._y_range, low, high)
        ends = quantiles(samples["truth"])[list(SHOWN_QUANTILES)] if "truth" in samples else [None, None]
        for mark, place in zip(self._marks, ends, strict=True):
            mark.update(location=None if place is None else float(place), visible=place is not None)

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink = theme_of(theme)
        restyle(self.figure, theme)
        for mark in self._marks:
            mark.line_color = ink.muted
        if "truth" in self._lines:
            self._lines["truth"][1].glyph.line_color = ink.text

    def _line(self, name: str) -> tuple[ColumnDataSource, Any]:
        if name not in self._lines:
            source = ColumnDataSource({"value": [], "density": [], "shown": [], "label": []})
            width = 2.6 if name == "truth" else 1.7
            line = self.figure.step(
                x="value",
                y="density",
                mode="center",
                source=source,
                line_width=width,
                line_dash=line_dash(name, width),
                level="underlay" if name == "truth" else "glyph",
            )
            tips = [("", "@label"), ("value", "@value{0.00}"), ("density", "@shown{0.[0000]}")]
            self.figure.add_tools(HoverTool(renderers=[line], tooltips=tips))
            self._lines[name] = (source, line)
        return self._lines[name]
