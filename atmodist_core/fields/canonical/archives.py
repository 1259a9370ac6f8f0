"""Known archives: citation, point samples, and inaccurate fields to leave out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

CITATION = (
    "ERA5: cite Hersbach et al. (2020), doi:10.1002/qj.3803; contains modified Copernicus Climate Change "
    "Service information."
)
COARSE_DEG = 1.0
"""Grids this coarse and coarser are no longer close to ERA5's own resolution of 0.28 degrees."""


def is_era5(dataset: xr.Dataset, name: str) -> bool:
    """Return whether the attributes or the name of a source say that it holds ERA5."""
    keys = ("Licence", "license", "institution", "source")
    words = " ".join([*(str(dataset.attrs.get(key, "")) for key in keys), name]).lower()
    return "copernicus" in words or "era5" in words


def without_crude_derivatives(dataset: xr.Dataset, name: str, note: Callable[[str], None]) -> xr.Dataset:
    """Leave out WeatherBench2's own vorticity and divergence (of its stores with derived variables) beside winds.

    They are centred differences without the metric term u tan(phi) / a, not closed at Greenwich, zero at the poles.
    """
    crude = [field for field in ("vorticity", "divergence") if field in dataset]
    winds = {"u_component_of_wind", "v_component_of_wind"} <= set(dataset.data_vars)
    if "with_derived_variables" not in name or not crude or not winds:
        return dataset
    note(
        "WeatherBench2's own vorticity and divergence, differences without the metric term, were "
        "replaced by fields derived from its winds."
    )
    return dataset.drop_vars(crude)


def note_point_samples(fields: xr.Dataset, name: str, note: Callable[[str], None]) -> None:
    """Note that coarse downloads of ERA5 are point samples, not means over cells."""
    spacing = float(np.median(np.abs(np.diff(fields["latitude"].values))))
    if spacing >= COARSE_DEG - 1e-6 and "conservative" not in name:
        note(
            f"ERA5 at {spacing:g} degrees holds interpolated points, not means over cells; its smallest "
            "scales may be aliased."
        )
