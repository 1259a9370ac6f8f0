"""Canonical datasets checked once and handed to the networks as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS
from atmodist_core.fields.grid.validity import Mask, filled

_DIMENSIONS = ("time", "latitude", "longitude")


@dataclass(frozen=True)
class FieldArrays:
    """The channels of a canonical dataset, read one time at a time; `had_time`: it was given a time axis."""

    dataset: xr.Dataset
    channels: tuple[str, ...]
    had_time: bool

    @classmethod
    def of(cls, dataset: xr.Dataset, channels: Sequence[str], model: str) -> FieldArrays:
        """Check a dataset, of which only coordinates are read, for a model that takes certain channels.

        Without channels all variables with latitude and longitude are taken. Refused: no dataset, a missing variable
        or axis, an axis in the wrong order.
        """
        if not isinstance(dataset, xr.Dataset):
            raise UserError(
                f"Expected for {model} an xarray.Dataset of fields, found {type(dataset).__name__}: open "
                "files with open_fields, or turn a DataArray into a dataset with .to_dataset()."
            )
        for axis in ("latitude", "longitude"):
            if axis not in dataset.dims or axis not in dataset.coords:
                raise UserError(
                    f"Expected for {model} fields with the axes time, latitude, longitude, found "
                    f"{', '.join(map(str, dataset.dims)) or 'none'}: open them with open_fields."
                )
        if not channels:
            on_grid = {"latitude", "longitude"}
            channels = [str(name) for name in dataset.data_vars if on_grid <= set(dataset[name].dims)]
        missing = [name for name in channels if name not in dataset]
        if missing or not channels:
            raise UserError(
                f"Expected for {model} the fields {', '.join(channels) or 'of one variable at least'}, found "
                f"{', '.join(map(str, dataset.data_vars)) or 'none'}: add "
                f"{missing[0] if missing else 'a variable'} ({_how_to_add(missing)})."
            )
        _check_axis(dataset["latitude"].values, "latitude", -1, model)
        _check_axis(dataset["longitude"].values, "longitude", 1, model)
        had_time = "time" in dataset.dims
        if not had_time:
            dataset = dataset.expand_dims("time")
        kept = dataset[list(channels)]
        for name in channels:
            if set(kept[name].dims) != set(_DIMENSIONS):
                raise UserError(
                    f"Expected for {model} {name} over time, latitude, longitude, found it over "
                    f"{', '.join(map(str, kept[name].dims))}: select one value of every other axis."
                )
        if not dataset.sizes["time"]:
            raise UserError(
                f"Expected for {model} fields of at least one time, found none: choose a longer period."
            )
        return cls(kept.transpose(*_DIMENSIONS), tuple(channels), had_time)

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Latitudes, north to south [degrees_north]."""
        return self.dataset["latitude"].values.astype(np.float64)

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Longitudes, increasing [degrees_east]."""
        return self.dataset["longitude"].values.astype(np.float64)

    @property
    def time_count(self) -> int:
        """Number of times."""
        return self.dataset.sizes["time"]

    def moment(self, time: int) -> int:
        """Return a 64-bit key of one time: its date, or its index where there are no dates."""
        values = self.dataset["time"].values if "time" in self.dataset.coords else np.empty(0)
        if not np.issubdtype(values.dtype, np.datetime64):
            return time
        return int(values[time].astype("datetime64[ns]").astype(np.int64).view(np.uint64))

    def read(self, time: int, domain: Mask | None = None) -> NDArray[np.float32]:
        """Return the fields of one time for a network, shape ``(channel, latitude, longitude)``.

        Outside a ``domain`` (latitude, longitude) they have the values of the nearest points inside. Missing values
        elsewhere are refused.
        """
        fields = self._values(time)
        finite = np.isfinite(fields)
        if domain is not None:
            finite |= ~domain
        if not finite.all():
            name = self.channels[int(np.argmin(finite.all(axis=(1, 2))))]
            raise UserError(
                f"Expected fields without missing values, found {np.count_nonzero(~finite)} of "
                f"them, first in {name} at time number {time}: choose a region or period without gaps."
            )
        return fields if domain is None else filled(fields, domain)

    def read_filled(self, time: int) -> tuple[NDArray[np.float32], Mask]:
        """Return the fields of one time with the nearest value in each gap, and which points are valid.

        Refused is a time without any value.
        """
        fields = self._values(time)
        valid = np.asarray(np.isfinite(fields).all(axis=0))
        if not valid.any():
            raise UserError(
                f"Expected fields with values, found only missing ones at time number {time}: choose another region "
                "or period."
            )
        return filled(fields, valid), valid

    def _values(self, time: int) -> NDArray[np.float32]:
        at = self.dataset.isel(time=time)
        return np.stack([np.asarray(at[name].values, dtype=np.float32) for name in self.channels])


def _how_to_add(missing: Sequence[str]) -> str:
    """How a file is opened so that fields are there."""
    if all(name in DEFAULT_FIELDS for name in missing):
        return "open_fields derives vorticity and divergence from wind"
    return f"open_fields(..., fields=({', '.join(map(repr, missing))}, ...)) reads other fields and levels"


def _check_axis(values: np.ndarray, name: str, direction: int, model: str) -> None:
    steps = np.diff(values.astype(np.float64)) * direction
    if values.size < 2:
        raise UserError(
            f"Expected for {model} at least 2 points along {name}, found {values.size}: choose a larger "
            "region."
        )
    if not (steps > 0).all():
        wanted = "strictly decreasing" if direction < 0 else "strictly increasing"
        raise UserError(
            f"Expected for {model} a {name} that is {wanted}, found {values[0]:g} to {values[-1]:g} out of "
            "that order: open the file with open_fields, which sorts it."
        )
    if name == "latitude" and max(abs(values[0]), abs(values[-1])) > 90.0 + 1e-3:
        raise UserError(
            f"Expected for {model} latitudes between -90 and 90 degrees, found {values[-1]:g} to "
            f"{values[0]:g}: correct the axis."
        )
    if steps.max() > 1.5 * steps.min():
        raise UserError(
            f"Expected for {model} evenly spaced points along {name}, found steps from {steps.min():g} to "
            f"{steps.max():g} degrees: choose a region without gaps or interpolate to an even grid."
        )


def require_one_grid(a: FieldArrays, b: FieldArrays) -> None:
    """Raise a UserError unless both lie on the same latitudes and longitudes."""
    for axis in ("latitude", "longitude"):
        first, second = getattr(a, axis), getattr(b, axis)
        if first.size != second.size or np.abs(first - second).max() > 1e-3 * abs(first[1] - first[0]):
            raise UserError(
                f"Expected both fields on the same grid, found {axis} of {first.size} points from {first[0]:g} to "
                f"{first[-1]:g} and of {second.size} from {second[0]:g} to {second[-1]:g}: select the same region, or "
                "downscale or coarsen one of them first."
            )
