"""Maps of one field by several models on one colour scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import has_own_range
from atmodist_core.fields.grid.projections import degrees_label
from atmodist_core.figures.maps.projected_maps import (
    DIVERGING,
    SEQUENTIAL,
    Extent,
    cell_edges,
    draw_projected_map,
    extent_of,
    map_projection,
)
from atmodist_core.figures.maps.transects import TRANSECT_HEIGHT_IN, draw_transect, draw_transect_line
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    power_of_ten,
    scaled_units,
    style_axes,
    style_colour_bar,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUANTILE = 0.995
"""Quantile of the absolute values at which the colour scale ends: tails are long, and few cells would dominate."""

LARGEST_STRETCH = 3.0
"""Largest ratio of the drawn lengths of a degree of latitude and of longitude; limits the height of maps."""


def scale_limits(
    fields: Iterable[xr.DataArray], *, limit: float | None = None, quantile: float = QUANTILE
) -> tuple[float, float]:
    """Return the limits of one colour scale for several fields, each of which counts equally.

    Parameters
    ----------
    fields : iterable of xarray.DataArray
    limit : float, optional
        Upper limit in the units of the fields; by default the largest of the fields' quantiles of absolute values.
    quantile : float

    Returns
    -------
    low, high : float
        Symmetric about zero if any value is negative, else from zero; for fields such as temperature, which lie far from zero,
        quantiles at both ends, unless there is a limit.

    Raises
    ------
    UserError
        If there is no finite value, or the limit is not positive.
    """
    fields = list(fields)
    values = [np.asarray(field.values, dtype=float).ravel() for field in fields]
    values = [v[np.isfinite(v)] for v in values]
    values = [v for v in values if v.size]
    if not values:
        raise UserError(
            "Expected at least one field with finite values to draw, found none; choose other data."
        )
    if limit is not None and not limit > 0:
        raise UserError(
            f"Expected a positive limit of the colour scale, found {limit!r}; omit it for an automatic one."
        )
    if limit is None and all(has_own_range(str(field.name)) for field in fields):
        ends = np.quantile(np.concatenate(values), (1 - quantile, quantile))
        return float(ends[0]), float(ends[1]) if ends[1] > ends[0] else float(ends[0]) + 1.0
    high = float(limit) if limit is not None else max(float(np.quantile(np.abs(v), quantile)) for v in values)
    high = high or 1.0
    return (-high if any((v < 0).any() for v in values) else 0.0), high


def field_maps(
    panels: Mapping[str, xr.DataArray],
    *,
    notes: Mapping[str, str] | None = None,
    limit: float | None = None,
    quantile: float = QUANTILE,
    columns: int | None = None,
    coastlines: Iterable[np.ndarray] | str | None = "auto",
    cities: pd.DataFrame | None = None,
    projection: str = "plate-carree",
    transect: xr.Dataset | None = None,
    title: str | None = None,
    caption: str | None = None,
    style: FigureStyle = PUBLICATION,
) -> Figure:
    """Draw maps of one field by several models side by side on one colour scale.

    Every panel shows the values of its own grid points without interpolation. Fields with negative values get a
    diverging scale that is symmetric about zero; other fields get a sequential scale from zero.

    Parameters
    ----------
    panels : mapping of str to xarray.DataArray
        Model (``"truth"``, ``"coarse"``, or the name of a downscaler) to its field over ``latitude`` and
        ``longitude`` [degrees], in drawing order; all in the same units. Grids may differ, e.g. for the coarse
        input.
    notes : mapping of str to str, optional
        Text below each panel, e.g. its scores.
    limit, quantile
        See :func:`scale_limits`.
    columns : int, optional
        Panels per row; two or three by default.
    coastlines : iterable of arrays (points, 2), "auto" or None
        Lines of longitude and latitude; the shipped ones by default.
    cities : pandas.DataFrame, optional
        Columns ``latitude`` and ``longitude``, drawn as dots; in plate carree only.
    projection : str
        A key of :data:`atmodist_core.fields.grid.projections.PROJECTIONS`; others than plate carree have the shipped coastlines.
    transect : xarray.Dataset, optional
        Result of :func:`atmodist_core.fields.grid.transects.transect_of`, drawn as curves below the maps and as a line on them.
    title, caption : str, optional
        Text at the top and bottom; a caption should give data, date, region and model versions.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UserError
        If there is nothing to draw, or a field is not a map.
    """
    if not panels:
        raise UserError("Expected at least one field to draw, found none; select a model.")
    fields = {name: _map_of(name, field) for name, field in panels.items()}
    low, high = scale_limits(fields.values(), limit=limit, quantile=quantile)
    first = next(iter(fields.values()))
    # Coarse cells extend a little further than fine ones, but all panels show the same area.
    extents = np.array([_field_extent(field) for field in fields.values()])
    extent = (extents[:, 0].min(), extents[:, 1].max(), extents[:, 2].min(), extents[:, 3].max())
    map_ = None if projection == "plate-carree" else map_projection(projection, extent)
    shape = (extent[1] - extent[0]) / ((extent[3] - extent[2]) * _stretch(extent))
    if map_ is not None:
        shape = float(np.divide(*np.ptp(map_.outline(), axis=0)))
    per_row = columns or min(len(fields), 2 if shape > 1.7 else 3)
    rows = -(-len(fields) // per_row)
    panel_width = style.width_in / per_row - 0.3
    panel_height = panel_width / shape
    text_height = 0.36 + (0.35 if notes else 0.0)
    height = rows * (panel_height + text_height) + 0.65 + (0.3 if title else 0) + (0.3 if caption else 0)
    heights = [panel_height] * rows
    if transect is not None:
        heights.append(TRANSECT_HEIGHT_IN)
        height += TRANSECT_HEIGHT_IN + 0.4
    figure = new_figure(style.width_in, height, style)
    spec = figure.add_gridspec(len(heights), per_row, height_ratios=heights)
    grid = [figure.add_subplot(spec[divmod(number, per_row)]) for number in range(len(fields))]
    lines = _lines(coastlines, extent)
    picture: Any = None
    for axes, (name, field) in zip(grid, fields.items(), strict=True):
        axes.set_title(method_style(name).label)
        if notes and notes.get(name):
            axes.set_xlabel(notes[name])
        style_axes(axes, style, grid=False)
        if map_ is not None:
            picture = draw_projected_map(axes, field, low, high, map_, style=style)
        else:
            picture = draw_map(axes, field, low, high, coastlines=lines, style=style)
            axes.set_xlim(extent[0], extent[1])
            axes.set_ylim(extent[2], extent[3])
        if transect is not None:
            draw_transect_line(axes, transect, map_, extent, style)
        if map_ is None and cities is not None:
            _dots(axes, cities, extent, style)
    for number, axes in enumerate(grid):
        axes.tick_params(labelleft=number % per_row == 0, labelbottom=number + per_row >= len(fields))
    add_colour_bar(figure, picture, grid, first, style=style)
    if transect is not None:
        draw_transect(figure.add_subplot(spec[rows, :]), transect, style)
    add_titles(figure, title, caption, style)
    return figure


def _map_of(name: str, field: xr.DataArray) -> xr.DataArray:
    squeezed = field.squeeze(drop=True)
    if set(squeezed.dims) != {"latitude", "longitude"}:
        raise UserError(
            f"Expected a field over latitude and longitude for {name!r}, found dimensions "
            f"{', '.join(map(str, squeezed.dims)) or 'none'}; select one time first."
        )
    if min(squeezed.shape) < 2:
        raise UserError(
            f"Expected at least 2 x 2 points to draw {name!r}, found {squeezed.shape}; choose a larger "
            f"region."
        )
    return squeezed.transpose("latitude", "longitude")


def _field_extent(field: xr.DataArray) -> Extent:
    return extent_of(field["latitude"].values, field["longitude"].values)


def _stretch(extent: Extent) -> float:
    """Ratio of a degree of latitude to one of longitude that preserves shapes at the middle latitude."""
    west, east, south, north = extent
    if east - west > 180:
        return 1.0
    return float(min(1 / np.cos(np.deg2rad(0.5 * (south + north))), LARGEST_STRETCH))


def _lines(coastlines: Iterable[np.ndarray] | str | None, extent: Extent) -> list[np.ndarray]:
    if coastlines is None:
        return []
    if not isinstance(coastlines, str):
        return list(coastlines)
    if coastlines != "auto":
        raise UserError(
            f"Expected coastlines 'auto', None or a list of lines, found {coastlines!r}; use 'auto'."
        )
    from atmodist_core.fields.grid.geography import coastlines as shipped

    west, east, south, north = extent
    lines = shipped("110m" if east - west > 120 else "50m", west=west)
    return [line for line in lines if line[:, 1].max() >= south and line[:, 1].min() <= north]


def draw_map(
    axes: Axes,
    field: xr.DataArray,
    low: float,
    high: float,
    *,
    coastlines: Iterable[np.ndarray] | str | None = "auto",
    style: FigureStyle = PUBLICATION,
) -> Any:
    """Draw one field over ``latitude`` and ``longitude`` [degrees] into axes, and return the mappable.

    The colour scale is diverging if ``low`` is negative.
    """
    from matplotlib.collections import LineCollection

    extent = _field_extent(field)
    stretch = _stretch(extent)
    lines = _lines(coastlines, extent)
    colours = DIVERGING if low < 0 else SEQUENTIAL
    latitude, longitude = (cell_edges(field[name].values.astype(float)) for name in ("latitude", "longitude"))
    values = np.ma.masked_invalid(field.values)
    if all(np.ptp(np.diff(edges)) < 1e-3 * np.abs(np.diff(edges)).max() for edges in (latitude, longitude)):
        # An image is exact on an even grid, and its file is far smaller than one polygon per cell.
        rising = latitude[-1] > latitude[0]
        picture: Any = axes.imshow(
            values,
            extent=(longitude[0], longitude[-1], latitude.min(), latitude.max()),
            origin="lower" if rising else "upper",
            cmap=colours,
            vmin=low,
            vmax=high,
            interpolation="nearest",
        )
    else:
        picture = axes.pcolormesh(
            longitude, latitude, values, cmap=colours, vmin=low, vmax=high, rasterized=True, shading="flat"
        )
    if lines:
        axes.add_collection(LineCollection(lines, colors=style.coastline, linewidths=0.5), autolim=False)
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    axes.set_aspect(stretch)
    axes.xaxis.set_major_locator(_degree_locator())
    axes.yaxis.set_major_locator(_degree_locator())
    axes.xaxis.set_major_formatter(lambda x, _: degrees_label((x + 180) % 360 - 180, "E", "W"))
    axes.yaxis.set_major_formatter(lambda y, _: degrees_label(y, "N", "S"))
    return picture


def _degree_locator() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4, steps=[1, 1.5, 2, 3, 4.5, 5, 6, 9, 10])


def _dots(axes: Axes, cities: pd.DataFrame, extent: Extent, style: FigureStyle) -> None:
    west, _, _, _ = extent
    longitude = west + (cities["longitude"].to_numpy(dtype=float) - west) % 360
    axes.plot(
        longitude,
        cities["latitude"].to_numpy(dtype=float),
        linestyle="none",
        marker="o",
        markersize=2.0,
        color=style.text,
        markeredgecolor=style.background,
        markeredgewidth=0.3,
        scalex=False,
        scaley=False,
    )


def add_colour_bar(
    figure: Any,
    picture: Any,
    axes: Any,
    field: xr.DataArray,
    *,
    aspect: float = 40,
    style: FigureStyle = PUBLICATION,
) -> None:
    """Add a horizontal colour bar with the field's ``long_name`` and ``units`` below axes.

    ``picture`` is the mappable of :func:`draw_map`, ``aspect`` the ratio of length to thickness.
    """
    low, high = picture.get_clim()
    bar = figure.colorbar(
        picture,
        ax=axes,
        orientation="horizontal",
        shrink=0.6,
        aspect=aspect,
        extend="both" if low < 0 else "max",
        pad=0.02,
    )
    exponent = power_of_ten(np.array([high]))
    name = str(field.attrs.get("long_name", field.name or "")).replace("_", " ")
    bar.ax.xaxis.set_major_formatter(lambda x, _: f"{x / 10.0**exponent:g}")
    style_colour_bar(bar, name + scaled_units(str(field.attrs.get("units", "")), exponent), style)
