"""The figure of each view, drawn from its numbers only, so that the page and the command give the same figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.figures.cities import cities_figure
from atmodist_core.figures.distances import distances_figure
from atmodist_core.figures.maps.field_maps import field_maps
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.spectra import TRUTH, draw_semivariograms, draw_spectra, draw_spectrum_ratios
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    style_axes,
    style_legend,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[Numbers, FigureStyle], "Figure"]
_QUANTITIES = ("kinetic_energy", "vorticity", "divergence")
_NOTES = {"rmse": "RMSE", "atmodist": "AtmoDist", "energy_ratio": "energy", "wasserstein": "W1"}


def figure_of(numbers: Numbers, style: FigureStyle = PUBLICATION) -> Figure:
    """Draw the figure of the numbers of a view; raises ``UserError`` if there is none of that kind."""
    if numbers.view not in FIGURES:
        raise UserError(f"Expected numbers of a view among {', '.join(FIGURES)}, found {numbers.view!r}.")
    return FIGURES[numbers.view](numbers, style)


def _maps(numbers: Numbers, style: FigureStyle) -> Figure:
    table = numbers.datasets["fields"]
    name = str(next(iter(table.data_vars)))
    panels = {str(model): table[name].sel(model=model) for model in table["model"].values}
    if "coarse" in numbers.datasets:
        panels = {"coarse": numbers.datasets["coarse"][name], **panels}
    limit = table.attrs.get("limit")
    return field_maps(
        panels,
        notes=_notes(numbers.datasets.get("scores"), str(table[name].attrs.get("units", ""))),
        limit=None if limit is None else float(limit),
        projection=str(table.attrs.get("projection", "plate-carree")),
        transect=numbers.datasets.get("transect"),
        caption=wrapped(numbers.caption, style),
        style=style,
    )


def _notes(scores: xr.Dataset | None, units: str) -> dict[str, str] | None:
    if scores is None:
        return None
    notes = {}
    for model in scores["model"].values:
        one = scores["score"].sel(model=model)
        parts = [
            f"{_NOTES.get(str(m), str(m))} {float(one.sel(measure=m)):.3g}"
            for m in one["measure"].values
            if np.isfinite(float(one.sel(measure=m)))
        ]
        lines = [parts[at : at + 2] for at in range(0, len(parts), 2)]
        notes[str(model)] = "\n".join("  ".join(line) for line in lines)
    return notes


def _spectra(numbers: Numbers, style: FigureStyle) -> Figure:
    table = numbers.datasets["spectra"]
    models = [str(model) for model in table["model"].values]
    spectra = {
        model: table.sel(model=model, drop=True).dropna("total_wavenumber", how="all") for model in models
    }
    nyquist = table.attrs.get("coarse_nyquist_degree")
    figure = new_figure(style.width_in, 1.12 * style.width_in, style)
    grid = figure.subplots(4, 2, height_ratios=(2.2, 1, 2.2, 1))
    for number, quantity in enumerate(_QUANTITIES):
        upper, lower = grid[2 * (number // 2), number % 2], grid[2 * (number // 2) + 1, number % 2]
        draw_spectra(upper, spectra, quantity, style=style)
        upper.set_title(quantity.replace("_", " "))
        if TRUTH in spectra:
            draw_spectrum_ratios(lower, spectra, quantity, style=style)
        lower.set_xlabel("total wavenumber")
        for axes in (upper, lower):
            if nyquist is not None:
                axes.axvline(float(nyquist), color=style.muted, linewidth=0.7, linestyle="--")
            style_axes(axes, style)
    style_legend(grid[0, 0], style, location="lower left")
    grid[3, 1].set_visible(False)
    semivariograms = numbers.datasets.get("semivariograms")
    if semivariograms is None:
        grid[2, 1].set_visible(False)
    else:
        variable = str(semivariograms.attrs.get("field", "vorticity"))
        tables = {str(model): semivariograms.sel(model=model) for model in semivariograms["model"].values}
        draw_semivariograms(grid[2, 1], tables, variable, style=style)
        grid[2, 1].set_title(f"semivariogram of {variable}")
        style_axes(grid[2, 1], style)
    add_titles(figure, None, wrapped(numbers.caption, style), style)
    return figure


def _models(numbers: Numbers, style: FigureStyle) -> Figure:
    tables = numbers.datasets
    if not tables:
        raise UserError("Expected at least one model with learning curves to draw, found none.")
    rows = -(-len(tables) // 2)
    figure = new_figure(style.width_in, 0.36 * style.width_in * rows + 0.4, style)
    grid = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes in grid[len(tables) :]:
        axes.set_visible(False)
    for axes, (name, curves) in zip(grid, tables.items(), strict=False):
        steps = curves["step"].values
        axes.plot(steps, curves["loss"].values, color="#0072b2", linewidth=1.2, label="training")
        held = str(curves.attrs.get("held_out", ""))
        if held in curves:
            known = np.isfinite(curves[held].values)
            axes.plot(
                steps[known],
                curves[held].values[known],
                "D",
                color="#d55e00",
                markersize=3.5,
                label=held.replace("_", " "),
            )
        pre = float(curves.attrs.get("pretraining_steps", 0))
        if pre:
            axes.axvspan(0, pre, color="#56b4e9", alpha=0.15, linewidth=0, label="pre-training")
        finite = curves["loss"].values[np.isfinite(curves["loss"].values)]
        if finite.size:
            axes.set_ylim(0, 1.25 * float(np.quantile(finite, 0.97)))
        axes.set_title(name)
        axes.set_xlabel("training step")
        axes.set_ylabel("loss")
        style_axes(axes, style)
        style_legend(axes, style)
    add_titles(figure, None, wrapped(numbers.caption, style), style)
    return figure


def _scorecard(numbers: Numbers, style: FigureStyle) -> Figure:
    from atmodist_core.figures.evaluation.scorecard import scorecard_figure

    tables = dict(numbers.datasets)
    names = {
        str(name): method_style(str(name)).label
        for table in tables.values()
        for name in table["model"].values
    }
    return scorecard_figure(tables, names, caption=wrapped(numbers.caption, style), style=style)


def _ensemble(numbers: Numbers, style: FigureStyle) -> Figure:
    from atmodist_core.figures.evaluation.ensembles import ensemble_figure

    return ensemble_figure(numbers.datasets, caption=numbers.caption, style=style)


def _features(numbers: Numbers, style: FigureStyle) -> Figure:
    from atmodist_core.figures.evaluation.features import features_figure

    return features_figure(numbers.datasets, caption=numbers.caption, style=style)


FIGURES: dict[str, Drawing] = {
    "maps": _maps,
    "spectra": _spectra,
    "distances": lambda numbers, style: distances_figure(
        numbers.datasets, caption=numbers.caption, style=style
    ),
    "cities": lambda numbers, style: cities_figure(numbers.datasets, caption=numbers.caption, style=style),
    "models": _models,
    "scorecard": _scorecard,
    "ensemble": _ensemble,
    "features": _features,
}
"""Functions by the name of the view."""
