"""The fields of one time, and the part of them that a region covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr

import atmodist_core as ad
from atmodist_core.figures.numbers.window import Window


@dataclass(frozen=True)
class Frame:
    """The fields of one time on the whole grid, and the block that the region of a question covers."""

    # Fine and coarse fields; the truth has exactly the fine points that the coarse cells were made of
    truth: xr.Dataset
    coarse: xr.Dataset
    is_global: bool  # whether they cover the globe
    window: Window  # coarse cells of the region
    region: Any  # none is all of the data
    factor: int  # fine points per coarse cell along each axis
    slice_key: tuple[Any, ...]  # identifies the fields in caches

    @property
    def cell_count(self) -> int:
        """Coarse cells of the whole grid."""
        return int(self.coarse.sizes["latitude"] * self.coarse.sizes["longitude"])

    @property
    def further(self) -> str:
        """The field that is here instead of vorticity and divergence; empty for these."""
        return "" if "vorticity" in self.truth else str(next(iter(self.truth.data_vars)))

    def crop_fine(self, ds: xr.Dataset) -> xr.Dataset:
        """Cut the region out of fine fields of the whole grid."""
        return self.window.refined(self.factor).crop(ds)

    def require_globe(self) -> None:
        """Raise a UserError unless the data cover the globe: the wind follows from vorticity and divergence everywhere."""
        if not self.is_global:
            raise ad.UserError(
                "Expected the whole globe for the wind speed, which follows from vorticity and divergence everywhere, found "
                "data of a part of it; choose vorticity or divergence."
            )
