"""The fields of one time, and the part of them that a region covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr

from atmodist_core.figures.numbers.window import Window


@dataclass(frozen=True)
class Frame:
    """The fields of one time on the whole grid, and the block that the region of a question covers.

    Attributes
    ----------
    truth, coarse : xarray.Dataset
        Fine and coarse fields; the truth has exactly the fine points that the coarse cells were made of.
    is_global : bool
        Whether they cover the globe.
    window : Window
        Coarse cells of the region.
    region : Region or None
        None is all of the data.
    factor : int
        Fine points per coarse cell along each axis.
    slice_key : tuple
        Identifies the fields in caches.
    """

    truth: xr.Dataset
    coarse: xr.Dataset
    is_global: bool
    window: Window
    region: Any
    factor: int
    slice_key: tuple[Any, ...]

    @property
    def cell_count(self) -> int:
        """Coarse cells of the whole grid."""
        return int(self.coarse.sizes["latitude"] * self.coarse.sizes["longitude"])

    def crop_fine(self, ds: xr.Dataset) -> xr.Dataset:
        """Cut the region out of fine fields of the whole grid."""
        return self.window.refined(self.factor).crop(ds)
