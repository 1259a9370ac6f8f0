"""An interactive cell on a dataset: maps and spectra that follow time, region and field."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.map_plots.panels import field_maps
from atmodist_core.plots.spectrum_plots import semivariograms, spectra
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_states, field_of, load_models

EVERYWHERE = "everywhere"
"""Choice of the region that shows all of the data."""

DEFAULT_MODELS = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
FIELDS = ("vorticity", "divergence")


def explore(data: xr.Dataset, models: Models | None = None, *, columns: int = 3, theme: str = "light") -> Any:
    """Return maps and spectra of a dataset with widgets for time, region and field.

    Parameters
    ----------
    data : xarray.Dataset
        Canonical fields, as :func:`atmodist_core.open_fields` returns them.
    models : sequence or mapping, optional
        Downscalers by name or as objects, or label -> downscaler; an interpolation and two networks by default.
    columns : int
        Maps in a row.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout
        Of ``DynamicMap``; a notebook shows it with its widgets, ``panel.panel`` makes a page of it.

    Raises
    ------
    UserError
        If the fields lack vorticity or divergence, or a model cannot be loaded.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> layout = explore(ad.open_demo().isel(time=slice(0, 2)), ["bicubic"])
    >>> [str(name) for name in layout.DynamicMap.I.kdims]
    ['time', 'region', 'field']
    """
    hv = holoviews()
    missing = [name for name in FIELDS if name not in data]
    if missing:
        raise UserError(
            f"Expected vorticity and divergence to explore, found no {missing[0]}; open the data with atmodist_core.open_fields."
        )
    downscalers = load_models(DEFAULT_MODELS if models is None else models)
    names = [*([COARSE] if downscalers else []), *downscalers, TRUTH]
    times = [
        str(time)[:16]
        for time in np.datetime_as_string(np.atleast_1d(data["time"].values).astype("datetime64[m]"))
    ]
    states_at = _cached_states(data, downscalers)

    def one_map(name: str) -> Callable[[str, str, str], Any]:
        def draw(time: str, region: str, field: str) -> Any:
            fields = {label: field_of(state, field) for label, state in states_at(time, region).items()}
            whole = field_maps(fields, theme=theme)
            return whole if len(fields) == 1 else list(whole)[list(fields).index(name)]

        return draw

    def spectrum(time: str, region: str, field: str) -> Any:
        return spectra(dict(states_at(time, region)), quantity=field, ratio=False, theme=theme)

    def semivariogram(time: str, region: str, field: str) -> Any:
        return semivariograms(dict(states_at(time, region)), field=field, theme=theme)

    choices = {"time": times, "region": _regions_of(data), "field": list(FIELDS)}
    drawn = [one_map(name) for name in names] + [spectrum, semivariogram]
    plots = [hv.DynamicMap(draw, kdims=list(choices)).redim.values(**choices) for draw in drawn]
    return hv.Layout(plots).cols(columns)


def _cached_states(
    data: xr.Dataset, downscalers: dict[str, Any]
) -> Callable[[str, str], dict[str, xr.Dataset]]:
    """States of a time and region, computed once for all plots of the cell."""

    @lru_cache(maxsize=4)
    def states(time: str, region: str) -> dict[str, xr.Dataset]:
        return compared_states(data, downscalers, time=time, region=None if region == EVERYWHERE else region)

    return states


def _regions_of(data: xr.Dataset) -> list[str]:
    """Everything, and the presets that the data cover."""
    from atmodist_core.evaluation.geometry import is_global_grid
    from atmodist_core.fields.grid.regions import REGIONS

    if not is_global_grid(data):
        return [EVERYWHERE]
    return [*(name for name, box in REGIONS.items() if not box.is_full_circle), EVERYWHERE]
