"""Local statistics at cities: densities of values, and where a model is closer to the truth, as HoloViews objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, line_options, theme_of
from atmodist_core.plots.look.units import display_unit, field_label
from atmodist_core.plots.map_plots.geography import geography_of
from atmodist_core.plots.map_plots.panels import frame_options, map_size
from atmodist_core.plots.map_plots.projections import Area, Projection
from atmodist_core.plots.states import TRUTH

VERDICTS = {
    1: ("better", "triangle", "#009e73"),
    0: ("equal", "circle", "#8a94a0"),
    -1: ("worse", "inverted_triangle", "#d55e00"),
}
"""Verdict -> word, mark and colour; colour-blind readers tell them apart by both."""


def city_densities(
    values: xr.Dataset | Path | str,
    city: str,
    *,
    models: Sequence[str] | None = None,
    field: str = "vorticity",
    boxes: Sequence[int] = (1, 2, 3),
    width: int = 300,
    theme: str = "light",
) -> Any:
    """Return densities of a field at a city in boxes of points, with a logarithmic axis, for truth and models.

    Parameters
    ----------
    values : xarray.Dataset or path
        Values at cities, as :func:`atmodist_core.evaluation.results.city_file.open_city_values` returns them, or their file.
    city : str
        Name of a city.
    models : sequence of str, optional
        Models to draw; all by default. The truth is always there.
    field : {"vorticity", "divergence"}
        Which field.
    boxes : sequence of int
        Sides of the boxes [points].
    width : int
        Width of one plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout
        One plot for each box; pointing at a curve shows the Wasserstein-1 distance to the truth.

    Raises
    ------
    UserError
        If the city, a model or a box is not among the values.
    """
    from atmodist_core.figures.numbers.cities import bin_edges, density, sample_of

    hv = holoviews()
    series = _series_of(values)
    known = list(map(str, series["model"].values))
    shown = [TRUTH, *(name for name in (models if models is not None else known) if name != TRUTH)]
    _require("city", city, list(map(str, series["city"].values)))
    for model in shown:
        _require("model", model, known)
    for box in boxes:
        _require("box", box, sorted(set(series["box"].values.tolist())))
    panels = []
    for box in boxes:
        samples = {name: sample_of(series, name, city, field, box) for name in shown}
        largest = float(max(np.abs(sample).max() for sample in samples.values()))
        unit = display_unit(str(series[field].attrs.get("units", "")), largest)
        edges = bin_edges(list(samples.values()))
        centres = 0.5 * (edges[1:] + edges[:-1]) * unit.factor
        truth = np.sort(samples[TRUTH], axis=None).astype(float)
        layers = []
        for name, sample in samples.items():
            heights = density(sample, edges) / unit.factor
            distance = np.abs(np.sort(sample, axis=None) - truth).mean() * unit.factor
            columns = (centres, np.where(heights > 0, heights, np.nan), np.full(centres.shape, distance))
            vdims = ["density", hv.Dimension("wasserstein", label="Wasserstein-1 distance to the truth")]
            curve = hv.Curve(columns, "value", vdims, label=method_style(name).label)
            layers.append(curve.opts(**line_options(name, theme), tools=["hover"]))
        panels.append(
            hv.Overlay(layers)
            .relabel(f"{box} x {box}")
            .opts(
                frame_width=width,
                frame_height=220,
                logy=True,
                title=f"{city}, {box} x {box} points",
                xlabel=field_label(field, unit),
                ylabel=f"density [{'1 / ' + unit.text if unit.text else '1'}]",
                legend_position="right",
                show_legend=box == boxes[-1],
                show_grid=True,
                hooks=[axes_hook(theme)],
            )
        )
    return hv.Layout(panels)


def verdict_map(
    values: xr.Dataset | Path | str,
    candidate: str,
    reference: str,
    *,
    field: str = "vorticity",
    box: int = 1,
    projection: str = "robinson",
    width: int = 640,
    theme: str = "light",
) -> Any:
    """Return the cities at which a model is closer to the truth than another by more than 10 %, on a map.

    Parameters
    ----------
    values : xarray.Dataset or path
        As for :func:`city_densities`.
    candidate, reference : str
        The two models.
    field, box
        Field and side of the box [points] whose Wasserstein-1 distances to the truth are compared.
    projection : str
        A key of :data:`atmodist_core.plots.map_plots.projections.PROJECTIONS`.
    width : int
        Width of the map [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay

    Raises
    ------
    UserError
        If a model, field or box is not among the values.
    """
    from atmodist_core.figures.numbers.cities import verdicts, wasserstein_table

    hv = holoviews()
    series = _series_of(values)
    _require("box", box, sorted(set(series["box"].values.tolist())))
    distances = wasserstein_table(
        series.sel(model=[TRUTH, *{candidate, reference} & set(map(str, series["model"].values))])
    )
    found = verdicts(distances, candidate, reference)[field].sel(box=box)
    place = Projection(projection, Area(-180.0, 180.0, -90.0, 90.0))
    longitude = (series["longitude"].values + 180.0) % 360.0 - 180.0
    x, y = place.forward(longitude, series["latitude"].values)
    axes = ["longitude", "latitude"] if place.is_plane else ["x", "y"]
    layers = geography_of(place, coastlines=True, cities=False, theme=theme)
    counts = []
    for verdict, (word, mark, colour) in VERDICTS.items():
        here = found.values == verdict
        counts.append(f"{int(here.sum())} {word}")
        names = series["city"].values[here].astype(str)
        points = hv.Points((x[here], y[here], names), axes, "city", label=word)
        layers.append(
            points.opts(
                color=colour, marker=mark, size=8, line_color=theme_of(theme).surface, tools=["hover"]
            )
        )
    title = f"{method_style(candidate).label} against {method_style(reference).label}: {', '.join(counts)}"
    options = {**frame_options(place, theme), "show_legend": True, "legend_position": "bottom_left"}
    return hv.Overlay(layers).relabel("verdicts").opts(title=title, **map_size(place, width), **options)


def _series_of(values: xr.Dataset | Path | str) -> xr.Dataset:
    if isinstance(values, xr.Dataset):
        return values
    from atmodist_core.evaluation.results.city_file import open_city_values

    return open_city_values(Path(values))


def _require(kind: str, wanted: Any, known: Sequence[Any]) -> None:
    if wanted not in known:
        raise UserError(
            f"Expected a {kind} among {', '.join(map(str, known))}, found {wanted!r}; choose one of these."
        )
