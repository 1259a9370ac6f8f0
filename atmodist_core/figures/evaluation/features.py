"""Figure of a filter of a distance network: strongest patches, what excites it, where it is active, and the sensitivity of the distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.features.strongest import patch_text
from atmodist_core.figures.maps.field_maps import draw_map, scale_limits
from atmodist_core.figures.maps.projected_maps import DIVERGING
from atmodist_core.figures.method_styles import sensitivity_style
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    power_of_ten,
    scaled_units,
    style_axes,
    style_colour_bar,
    style_legend,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
LEVELS = (0.3, 0.6, 0.9)
"""Lines of equal activation, relative to the strongest on the map."""


def features_figure(
    tables: Mapping[str, xr.Dataset], *, caption: str | None = None, style: FigureStyle = PUBLICATION
) -> Figure:
    """Draw the patches that excite a filter most, what excites it, its activation over a map, and the sensitivity per wavenumber.

    ``tables`` are those of :func:`atmodist_core.figures.numbers.studies.features.features`.
    """
    field = str(tables["patches"].attrs["field"])
    about = f"filter {tables['patches'].attrs['filter_number']} of {tables['patches'].attrs['layer']}"
    rise = 100 * float(tables["changes"].attrs["rise"])
    half = 0.5 * style.width_in
    figure = new_figure(style.width_in, 2 * half + 1.4, style)
    halves: Any = figure.subfigures(2, 1, height_ratios=(half + 0.6, half + 0.2))
    upper, lower = halves
    for part in halves:
        part.set_facecolor(style.background)
    left, right = upper.subfigures(1, 2)
    for part, name, title in (
        (left, "patches", f"{about}: strongest patches"),
        (right, "changes", f"{about}: change that raises it by {rise:.0f} %"),
    ):
        part.set_facecolor(style.background)
        _draw_patches(part, tables[name], field, title, style)
    axes = lower.subplots(1, 2)
    _draw_activation(axes[0], tables["map"][field], tables["activation"]["activation"], style)
    if "sensitivity" in tables:
        _draw_sensitivity(axes[1], tables["sensitivity"], style)
    else:
        axes[1].set_visible(False)
    add_titles(figure, None, wrapped(caption, style), style)
    return figure


def _draw_patches(part: Any, table: xr.Dataset, field: str, title: str, style: FigureStyle) -> None:
    grid = part.subplots(-(-table.sizes["rank"] // COLUMNS), COLUMNS, squeeze=False)
    high = scale_limits([table[field]])[1]
    power = power_of_ten(np.array([high]))
    picture: Any = None
    for rank, axes in enumerate(grid.ravel()):
        if rank >= table.sizes["rank"] or not np.isfinite(float(table["activation"][rank])):
            axes.set_visible(False)
            continue
        values = table[field].isel(rank=rank).sortby("y", ascending=False).values
        picture = axes.imshow(
            np.ma.masked_invalid(values / 10.0**power),
            cmap=DIVERGING,
            vmin=-high / 10.0**power,
            vmax=high / 10.0**power,
        )
        axes.set_title(patch_text(table.isel(rank=rank)))
        style_axes(axes, style, grid=False)
        axes.title.set_fontsize(style.font_size - 2)
        axes.set_xticks([])
        axes.set_yticks([])
    bar = part.colorbar(picture, ax=list(grid.ravel()), location="bottom", shrink=0.8, aspect=35, pad=0.02)
    units = scaled_units(str(table[field].attrs.get("units", "")), power)
    style_colour_bar(bar, f"{field.replace('_', ' ')}{units}", style)
    part.suptitle(title, fontsize=style.font_size + 1, color=style.text)


def _draw_activation(axes: Any, field: xr.DataArray, activation: xr.DataArray, style: FigureStyle) -> None:
    low, high = scale_limits([field])
    draw_map(axes, field, low, high, style=style)
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    longitude = west + (activation["longitude"].values - west) % 360.0
    order = np.argsort(longitude)
    values = activation.values[:, order]
    inside = (activation["latitude"].values[:, None] >= south) & (
        activation["latitude"].values[:, None] <= north
    )
    inside = inside & (longitude[order][None] <= east)
    strongest = float(values[inside].max()) if inside.any() else 0.0
    if strongest > 0:
        levels = [level * strongest for level in LEVELS]
        axes.contour(
            longitude[order],
            activation["latitude"].values,
            values,
            levels,
            colors=style.text,
            linewidths=(0.6, 1.1, 1.8),
        )
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_title("activation: 30, 60 and 90 % of its maximum here")
    style_axes(axes, style, grid=False)


def _draw_sensitivity(axes: Any, table: xr.Dataset, style: FigureStyle) -> None:
    for name in table["distance"].values:
        look = sensitivity_style(str(name))
        one = table.sel(distance=name)
        axes.plot(table["band"].values, one["gain"].values, label=str(name), **look.line(style))
    axes.axhline(1.0, color=style.text, linewidth=0.7, label="squared error")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(f"sensitivity of {table.attrs['layer']}, this time")
    axes.set_xlabel("total wavenumber")
    axes.set_ylabel("gain: response / squared error")
    style_axes(axes, style)
    style_legend(axes, style)
