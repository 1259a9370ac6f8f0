"""A period of one data set that models are evaluated on, and what identifies it in a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import (
    common_points,
    common_validity,
    horizontal_fields,
    is_global_grid,
    time_values,
)
from atmodist_core.evaluation.statistics.statistic import VERSION
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS
from atmodist_core.fields.grid.validity import largest_valid_rectangle
from atmodist_core.fields.sharpness import keep_sharpness

FIELDS = DEFAULT_FIELDS


@dataclass(frozen=True)
class EvaluationData:
    """Fine fields of a period, cut to the points that a downscaled field has.

    Parameters
    ----------
    label : str
        For folders and tables.
    fields : xarray.Dataset
        Lazy fine fields.
    template : xarray.Dataset
        One time of them on the points of a downscaled field: rows that fill no coarse cell, and points outside
        the region, are left out.
    factor : int
        Fine points along a side of a coarse cell.
    identity : dict
        Plain values that identify this data set.
    whole : xarray.Dataset
        Lazy fine fields of all times of the source, also those outside the period.
    region : str, optional
        Name of the region that is evaluated; the whole area of the fields by default.
    window : tuple of slice, optional
        Rows and columns of a downscaled field that the template has; all of them by default. Of fields with gaps, the
        largest rectangle of points that hold values.
    """

    label: str
    fields: xr.Dataset
    template: xr.Dataset
    factor: int
    identity: dict[str, Any] = field(default_factory=dict)
    whole: xr.Dataset = field(default_factory=xr.Dataset)
    region: str | None = None
    window: tuple[slice, slice] | None = None

    @property
    def on_the_globe(self) -> bool:
        """Whether the whole globe is evaluated."""
        return is_global_grid(self.template)

    @property
    def times(self) -> np.ndarray:
        """Times of the period, datetime64."""
        return time_values(self.fields)

    @property
    def names(self) -> list[str]:
        """Fields, in the order of all arrays."""
        return list(map(str, self.template.data_vars))

    @property
    def units(self) -> list[str]:
        """Units of the fields, in their order."""
        return [str(self.template[name].attrs.get("units", "unknown")) for name in self.names]

    def at(self, index: int) -> xr.Dataset:
        """Return the fine fields of one time, computed, with all rows."""
        return self.fields[self.names].isel(time=[index]).compute()


def open_evaluation_data(
    source: str | Path,
    *,
    factor: int,
    period: Sequence[str] = (),
    level: str | None = None,
    fields: Sequence[str] = FIELDS,
    region: str | None = None,
) -> EvaluationData:
    """Open a period of a source for an evaluation.

    ``source`` is anything that :func:`atmodist_core.open_fields` reads, or "demo"; ``period`` is first and last date, one
    date, or nothing for all; ``fields`` are named as for :func:`~atmodist_core.open_fields`. Models still use the fields
    around a region. Raises ``UserError`` if a field is missing,
    times have no dates, or there is no such region.
    """
    from atmodist_core.common.assets import asset_folder
    from atmodist_core.fields import coarsen, open_fields
    from atmodist_core.inference.downscaler import load_downscaler

    place = asset_folder("demo") if str(source) == "demo" else source
    wanted = None if set(fields) <= set(FIELDS) else tuple(fields)
    whole = open_fields(place, level=level, fields=wanted)
    span = slice(period[0], period[-1]) if period else None
    chosen = whole if span is None else open_fields(place, level=level, time=span, fields=wanted)
    names = horizontal_fields(whole, list(fields))
    if np.isnat(time_values(whole)).any():
        raise UserError(f"Expected dated times in {source}, found none; add a time coordinate.")
    others = whole.isel(time=np.flatnonzero(~np.isin(time_values(whole), time_values(chosen))))
    # Models may be told how sharp the archive is, but not by the times that they are evaluated on.
    keep_sharpness(chosen, factor, of=others if others.sizes["time"] else None)
    first = whole[names].isel(time=[0]).compute()
    downscaled, template = common_points(
        load_downscaler("bilinear", factor=factor)(coarsen(first, factor), region=region), first
    )
    window = None
    valid = common_validity(downscaled, template, fields=names)
    if valid is not None:
        window = largest_valid_rectangle(valid)
        template = template.isel(latitude=window[0], longitude=window[1])
    identity = {
        "statistics_version": VERSION,
        "factor": factor,
        "fields": names,
        "rows": template.sizes["latitude"],
        "columns": template.sizes["longitude"],
        **{
            key: str(whole.attrs.get(key, ""))
            for key in ("source", "level", "member", "derived_from", "grid")
        },
        "first_time": str(time_values(whole)[0])[:19],
        # Three digits: the same on every machine, different for data that were simulated again with other code.
        "first_rms": [
            f"{float(np.sqrt(np.nanmean(np.square(first[n].values, dtype=float)))):.3g}" for n in names
        ],
    }
    if region is not None:
        identity["region"] = region
    label = "demo" if str(source) == "demo" else Path(str(source)).name or str(source)
    return EvaluationData(label, chosen, template, factor, identity, whole, region, window)


def require_one_grid(data: Sequence[EvaluationData]) -> None:
    """Raise a UserError unless all data have the same grid and fields."""
    for other in data[1:]:
        same = all(
            data[0].identity[key] == other.identity[key] for key in ("rows", "columns", "fields", "factor")
        )
        if not same:
            raise UserError(
                f"Expected data on one grid, found {data[0].label} and {other.label} on different ones; evaluate "
                "them one after the other."
            )
