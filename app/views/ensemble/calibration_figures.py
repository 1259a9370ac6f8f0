"""Rank histogram, and spread over error per wavenumber: the library's plots, rendered once and given new data in place."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import xarray as xr

from app.views.shared.axes import fit_page
from atmodist_core.plots.ensemble_plots import (
    degrees_of,
    rank_columns,
    rank_histogram,
    spread_columns,
    spread_error,
)
from atmodist_core.plots.live import LivePlot

LIVE, SEASON = "this date and region", "evaluation"
HEIGHT = 205


@lru_cache(maxsize=1)
def templates() -> tuple[LivePlot, LivePlot]:
    """Return rank histogram and spread over error of which all are copies."""
    share = xr.Dataset({"share": (("field", "rank"), [[0.5, 0.5]])}, {"field": ["vorticity"]})
    ratio = xr.Dataset(
        {"ratio": (("field", "total_wavenumber"), [[1.0, 1.0]])},
        {"field": ["vorticity"], "total_wavenumber": [1.0, 2.0]},
    )
    plots = (
        LivePlot(rank_histogram({LIVE: share, SEASON: share}), show_legend=False),
        LivePlot(spread_error({LIVE: ratio, SEASON: ratio}), show_legend=False),
    )
    for plot in plots:
        fit_page(plot.figure, height=HEIGHT, min_border_right=14)
        plot.renderer(SEASON).glyph.line_dash = [6, 3]
        _show(plot, {})
    return plots


class CalibrationFigures:
    """Both figures; the solid line is of this date and region, the dashed one of the evaluation."""

    def __init__(self) -> None:
        self.ranks, self.spread = (template.copy() for template in templates())
        self.ranks.figure.name, self.spread.figure.name = "rank histogram", "spread over error"

    def draw(self, tables: dict[str, xr.Dataset], season: xr.Dataset | None, colour: str, muted: str) -> None:
        """Show the tables of a result, and what an evaluation found."""
        for plot in (self.ranks, self.spread):
            plot.renderer(LIVE).glyph.line_color = colour
            plot.renderer(SEASON).glyph.line_color = muted
        ranks, spread = {}, {}
        if "ranks" in tables:
            ranks[LIVE] = rank_columns(tables["ranks"]["share"].values)
        if "wavenumbers" in tables:
            table = tables["wavenumbers"]
            spread[LIVE] = spread_columns(table["total_wavenumber"].values, table["ratio"].values)
        if season is not None and "rank_share" in season:
            ranks[SEASON] = rank_columns(season["rank_share"].sel(area_part=season["area_part"][0]).values)
            # The evaluation may have another number of members: the same share of them lies at the same place.
            if LIVE in ranks:
                width, own = (ranks[name]["rank"][-1] + 0.5 for name in (LIVE, SEASON))
                ranks[SEASON]["rank"] = (ranks[SEASON]["rank"] + 0.5) * width / own - 0.5
        if season is not None and "spread_error_by_wavenumber" in season:
            values = season["spread_error_by_wavenumber"].values
            spread[SEASON] = spread_columns(degrees_of(season, values.size), values)
        _show(self.ranks, ranks)
        _show(self.spread, spread)
        if ranks:
            last = max(float(columns["rank"][-1]) for columns in ranks.values())
            top = max(2.0, *(1.05 * float(columns["share"].max()) for columns in ranks.values()))
            self.ranks.set_range((-0.5, last), (0.0, top))
        if spread:
            ends = [columns["degree"][[0, -1]] for columns in spread.values() if columns["degree"].size]
            if ends:
                self.spread.set_range(
                    (max(1.0, min(e[0] for e in ends)), max(e[1] for e in ends)), (0.0, 2.0)
                )

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        for plot in (self.ranks, self.spread):
            plot.restyle(theme)


def _show(plot: LivePlot, columns: dict[str, Any]) -> None:
    for label in (LIVE, SEASON):
        plot.show(label, label in columns)
    plot.update_layers(columns)
