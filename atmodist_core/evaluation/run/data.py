"""A period of one data set that models are judged on, and what identifies it in a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import common_points, horizontal_fields, is_global_grid, time_values
from atmodist_core.evaluation.statistics.field_statistics import VERSION
from atmodist_core.evaluation.store.statistics_store import LIBRARY_LOCK

FIELDS = ("vorticity", "divergence")


@dataclass(frozen=True)
class EvaluationData:
    """Fine fields of a period, cut to the points that a downscaled field has.

    Parameters
    ----------
    label : str
        For folders and tables.
    fields : xarray.Dataset
        Lazy fine fields of the whole globe.
    template : xarray.Dataset
        One time of them on the points of a downscaled field: at the southern end a row that fills no coarse
        cell is left out.
    factor : int
        How many times coarser the input of the models is.
    identity : dict
        Plain values that tell this data set from others.
    whole : xarray.Dataset
        Lazy fine fields of all times of the source, also those outside the period.
    """

    label: str
    fields: xr.Dataset
    template: xr.Dataset
    factor: int
    identity: dict[str, Any] = field(default_factory=dict)
    whole: xr.Dataset = field(default_factory=xr.Dataset)

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
        """Units of the fields."""
        return [str(self.template[name].attrs.get("units", "unknown")) for name in self.names]

    def at(self, index: int) -> xr.Dataset:
        """Return the fine fields of one time, computed, with all rows."""
        with LIBRARY_LOCK:  # fields may come through the library that writes the stores
            return self.fields[self.names].isel(time=[index]).compute()


def open_evaluation_data(
    source: str | Path,
    *,
    factor: int,
    period: Sequence[str] = (),
    level: str | None = None,
    fields: Sequence[str] = FIELDS,
) -> EvaluationData:
    """Open a period of a source for judging.

    Parameters
    ----------
    source : str or Path
        What :func:`atmodist_core.open_fields` reads, or "demo".
    factor : int
        How many times coarser the input of the models is.
    period : sequence of str
        First and last date, one date, or nothing for all.
    level : str, optional
        Where there are several.
    fields : sequence of str
        Which fields to judge.

    Returns
    -------
    EvaluationData

    Raises
    ------
    UserError
        If the area is not the whole globe, a field is missing or times have no dates.
    """
    from atmodist_core.common.assets import asset_folder
    from atmodist_core.fields import coarsen, open_fields
    from atmodist_core.inference.downscaler import load_downscaler

    place = asset_folder("demo") if str(source) == "demo" else source
    whole = open_fields(place, level=level)
    span = slice(period[0], period[-1]) if period else None
    chosen = whole if span is None else open_fields(place, level=level, time=span)
    if not is_global_grid(whole):
        raise UserError(
            f"Expected the whole globe to judge models on, found a limited area in {source}; use train/score.py for "
            "a region."
        )
    names = horizontal_fields(whole, list(fields))
    if np.isnat(time_values(whole)).any():
        raise UserError(f"Expected dated times in {source}, found none; add a time coordinate.")
    first = whole[names].isel(time=[0]).compute()
    template = common_points(load_downscaler("bilinear", factor=factor)(coarsen(first, factor)), first)[1]
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
        # Three digits: the same on every machine, different for data that were made anew with other code.
        "first_rms": [
            f"{float(np.sqrt(np.mean(np.square(first[n].values, dtype=float)))):.3g}" for n in names
        ],
    }
    label = "demo" if str(source) == "demo" else Path(str(source)).name or str(source)
    return EvaluationData(label, chosen, template, factor, identity, whole)


def require_one_grid(data: Sequence[EvaluationData]) -> None:
    """Raise a UserError unless all data have the same grid and fields."""
    for other in data[1:]:
        same = all(
            data[0].identity[key] == other.identity[key] for key in ("rows", "columns", "fields", "factor")
        )
        if not same:
            raise UserError(
                f"Expected data on one grid, found {data[0].label} and {other.label} on different ones; judge them "
                "one after the other."
            )
