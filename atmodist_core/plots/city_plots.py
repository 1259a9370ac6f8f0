"""Local statistics at cities: densities of values, and where a model is closer to the truth, as HoloViews objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.projections import Area, Projection
from atmodist_core.figures.method_styles import BOKEH_MARKERS, VERDICTS, method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, line_options, theme_of
from atmodist_core.plots.look.units import field_label, field_unit
from atmodist_core.plots.map_plots.geography import geography_of
from atmodist_core.plots.map_plots.panels import frame_options, map_size
from atmodist_core.plots.states import TRUTH

QUANTILES = "2 and 98 % of the truth"
"""Layer of densities: lines at two quantiles of the truth."""


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
        One plot for each box, with dotted lines at the 2 and 98 % quantiles of the truth; pointing at a curve shows the Wasserstein-1
        distance to the truth.

    Raises
    ------
    UserError
        If the city, a model or a box is not among the values.

    Examples
    --------
    >>> from atmodist_core.common.assets import asset_folder
    >>> values = asset_folder("results") / "demo_cities.nc"
    >>> [panel.label for panel in city_densities(values, "Seattle", models=["bicubic"], boxes=[1, 3])]
    ['1 x 1', '3 x 3']
    """
    from atmodist_core.figures.numbers.cities import sample_of

    hv = holoviews()
    series = _series_of(values)
    known = list(map(str, series["model"].values))
    shown = [TRUTH, *(name for name in (models if models is not None else known) if name != TRUTH)]
    _require("city", city, list(map(str, series["city"].values)))
    for model in shown:
        _require("model", model, known)
    for box in boxes:
        _require("box", box, sorted(set(series["box"].values.tolist())))
    unit = field_unit(field)
    panels = []
    for box in boxes:
        samples = {
            name: sample_of(series, name, city, field, box) * np.float32(unit.factor) for name in shown
        }
        options = {
            "title": f"{city}, {box} x {box} points",
            "ylabel": f"density [1 / ({unit.text})]",
            "show_legend": box == boxes[-1],
        }
        plot = density_plot(samples, field_label(field, unit), unit.text, width=width, theme=theme)
        panels.append(plot.relabel(f"{box} x {box}").opts(**options))
    return hv.Layout(panels)


def density_plot(
    samples: Mapping[str, np.ndarray], label: str, unit: str, *, width: int = 300, theme: str = "light"
) -> Any:
    """Return densities of samples by model, the truth among them, over a logarithmic axis.

    Parameters
    ----------
    samples : mapping of str to ndarray
        Values by model [``unit``], any shape.
    label, unit : str
        Text of the horizontal axis, and the unit in tooltips.
    width : int
        Width of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay
        The truth at the bottom.
    """
    hv = holoviews()
    columns, (low, high) = density_columns(samples)
    tips = [
        *[
            ("", "$name"),
            (f"values [{unit}]", "@from{0.[00]} to @to{0.[00]}"),
            ("density", "@shown{0.[0000]}"),
        ],
        (f"Wasserstein-1 distance to the truth [{unit}]", "@wasserstein{0.[000]}"),
    ]
    layers = [
        hv.VLines(quantile_columns(samples[TRUTH]), label=QUANTILES).opts(
            color=theme_of(theme).muted, line_width=1, line_dash="dotted", show_legend=False
        )
    ]
    for name in sorted(columns, key=lambda name: name != TRUTH):
        curve = hv.Curve(columns[name], "value", list(columns[name])[1:], label=method_style(name).label)
        layers.append(curve.opts(**line_options(name, theme), hover_tooltips=tips))
    return hv.Overlay(layers).opts(
        frame_width=width,
        frame_height=220,
        logy=True,
        ylim=(low, high),
        xlabel=label,
        ylabel="density",
        legend_position="right",
        show_grid=True,
        hooks=[axes_hook(theme)],
    )


def density_columns(
    samples: Mapping[str, np.ndarray],
) -> tuple[dict[str, dict[str, np.ndarray]], tuple[float, float]]:
    """Return the columns of each model's line in :func:`density_plot`, and the ends of the vertical axis.

    Lines are steps: ``value`` runs along the edges of the bins, each twice. ``density`` has a small number in place of zero, which has no
    place on a logarithmic axis; ``shown`` is the density itself, ``from`` and ``to`` the ends of the bin.
    """
    from atmodist_core.figures.numbers.cities import bin_edges, density

    edges = bin_edges(list(samples.values()))
    heights = {name: density(sample, edges) for name, sample in samples.items()}
    positive = np.concatenate([one[one > 0] for one in heights.values()])
    low, high = float(positive.min()) / 2.2, float(positive.max()) * 2.0
    truth = np.sort(samples[TRUTH], axis=None).astype(float)
    ends = np.pad(edges, 1, mode="edge")
    columns = {}
    for name, one in heights.items():
        shown = np.repeat(np.pad(one, 1), 2)[1:-1]
        distance = np.abs(np.sort(samples[name], axis=None) - truth).mean()
        columns[name] = {
            "value": np.repeat(edges, 2),
            "density": np.where(shown > 0, shown, low / 50),
            "shown": shown,
            "from": np.repeat(ends[:-1], 2)[1:-1],
            "to": np.repeat(ends[1:], 2)[1:-1],
            "wasserstein": np.full(shown.size, distance),
        }
    return columns, (low, high)


def quantile_columns(truth: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of the lines at the 2 and 98 % quantiles of a sample."""
    return {"x": np.quantile(np.asarray(truth, dtype=np.float64), (0.02, 0.98))}


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
        A key of :data:`atmodist_core.fields.grid.projections.PROJECTIONS`.
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
    for verdict, (word, marker, colour) in VERDICTS.items():
        here = found.values == verdict
        counts.append(f"{int(here.sum())} {word}")
        names = series["city"].values[here].astype(str)
        points = hv.Points((x[here], y[here], names), axes, "city", label=word)
        layers.append(
            points.opts(
                color=colour,
                marker=BOKEH_MARKERS[marker],
                size=8,
                line_color=theme_of(theme).surface,
                tools=["hover"],
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
