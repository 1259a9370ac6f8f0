"""The simulated atmosphere that ships with the project."""

from __future__ import annotations

import xarray as xr

from atmodist_core.common.assets import asset_folder
from atmodist_core.fields.open.coefficient_store import open_coefficient_store


def open_demo() -> xr.Dataset:
    """Vorticity and divergence of the shipped simulated atmosphere, 3-hourly on a 0.5-degree globe.

    It comes from a dry primitive-equation model (see docs/simulation.md), not from the Earth. Of the shipped models only
    those that fill gaps were trained on it, on its first 22 days. Opening reads metadata only; slices are synthesised when they are read. The dataset is
    canonical, with ``attrs["simulated"] == 1``.
    """
    return open_coefficient_store(asset_folder("demo"))
