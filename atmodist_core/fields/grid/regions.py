"""Regions of the globe: latitude-longitude boxes that may cross Greenwich or the date line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.horizontal import take_points
from atmodist_core.fields.canonical.notes import add_note

TOLERANCE_DEG = 1e-6
"""Points this close to an edge belong to the region [degrees]; file coordinates carry rounding errors."""


@dataclass(frozen=True)
class Region:
    """A box between two latitudes and two longitudes, edges included.

    Longitudes may be given in -180..180 or in 0..360. A box runs eastwards from ``west`` to ``east``; where
    ``west`` lies east of ``east`` it crosses the date line (or Greenwich): ``Region(-40, 50, 120, -110)`` is
    the Pacific. ``west=0, east=360`` and ``west=-180, east=180`` are the full circle.

    Parameters
    ----------
    south, north : float
        Latitudes [degrees north], ``-90 <= south < north <= 90``.
    west, east : float
        Longitudes [degrees east], each in -180..360, not equal.

    Raises
    ------
    UserError
        A bound is not a number, out of range, or the box is empty.

    Examples
    --------
    >>> Region(30, 70, -15, 40).wraps
    True
    >>> Region(30, 70, 350, 40).width
    50.0
    >>> Region(-40, 50, 120, -110).width
    130.0
    """

    south: float
    north: float
    west: float
    east: float

    def __post_init__(self) -> None:
        """Validate the bounds and store them as floats."""
        bounds = {"south": (-90, 90), "north": (-90, 90), "west": (-180, 360), "east": (-180, 360)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                raise UserError(
                    f"Expected a number of degrees for '{name}' of a region, found {value!r}; give "
                    "Region(south, north, west, east)."
                )
            if not math.isfinite(value):
                raise UserError(
                    f"Expected a finite number of degrees for '{name}' of a region, found {value}."
                )
            if not low <= value <= high:
                raise UserError(
                    f"Expected '{name}' of a region between {low} and {high} degrees, found "
                    f"{value:g}; the order is Region(south, north, west, east)."
                )
            object.__setattr__(self, name, float(value))
        if not self.south < self.north:
            raise UserError(
                f"Expected the south of a region below its north, found south {self.south:g} and north "
                f"{self.north:g}; exchange them."
            )
        if self.west == self.east:
            raise UserError(
                f"Expected a region with west and east apart, found {self.west:g} for both; for the full "
                "circle give west=0, east=360."
            )

    @property
    def width(self) -> float:
        """Extent in longitude [degrees], in (0, 360]."""
        return (self.east - self.west) % 360.0 or 360.0

    @property
    def is_full_circle(self) -> bool:
        """Whether every longitude belongs to the region."""
        return self.width >= 360.0 - TOLERANCE_DEG

    @property
    def wraps(self) -> bool:
        """Whether the region crosses longitude 0 of a 0..360 axis (it is then continued below zero)."""
        return not self.is_full_circle and self.west % 360.0 + self.width >= 360.0 - TOLERANCE_DEG

    def contains(self, latitude: Any, longitude: Any) -> Any:
        """Return whether points [degrees, any convention of longitude] lie in the region; they broadcast."""
        latitude, longitude = np.asarray(latitude, dtype=float), np.asarray(longitude, dtype=float)
        offset = _degrees_east_of(longitude, self.west)
        inside = (
            (latitude >= self.south - TOLERANCE_DEG)
            & (latitude <= self.north + TOLERANCE_DEG)
            & (offset <= self.width + TOLERANCE_DEG)
        )
        return bool(inside) if inside.ndim == 0 else inside

    def select(self, dataset: xr.Dataset) -> xr.Dataset:
        """Cut the region out of canonical fields, in one piece; lazy data stay lazy.

        Where it crosses Greenwich its longitudes are continued below zero. Where it reaches beyond the data only the
        common part is returned, and that is noted.

        Raises
        ------
        UserError
            No, or fewer than two by two, points of the data lie in the region, or the data have a gap in it.
        """
        latitude = np.asarray(dataset["latitude"].values, dtype=float)
        longitude = np.asarray(dataset["longitude"].values, dtype=float)
        rows = np.flatnonzero(
            (latitude >= self.south - TOLERANCE_DEG) & (latitude <= self.north + TOLERANCE_DEG)
        )
        if self.is_full_circle:
            columns, selected_longitude = np.arange(longitude.size), longitude
        else:
            columns, selected_longitude = self._columns(longitude)
        if rows.size < 2 or columns.size < 2:
            raise UserError(
                f"Expected at least 2 x 2 points of the data in {self}, found {rows.size} x {columns.size}; "
                f"the data cover {_span(latitude, 'latitudes')} and {_span(longitude, 'longitudes')}: choose "
                "a region within."
            )
        selected = dataset.drop_vars([name for name, array in dataset.data_vars.items() if _is_field(array)])
        selected = selected.isel(latitude=rows, longitude=columns).assign_coords(
            longitude=("longitude", selected_longitude, dict(dataset["longitude"].attrs))
        )
        selected = selected.assign(
            {
                name: take_points(array, rows, columns).drop_vars(["latitude", "longitude"])
                if _is_field(array)
                else selected[name]
                for name, array in dataset.data_vars.items()
            }
        )
        selected.attrs = dict(dataset.attrs)
        if rows.size < latitude.size or columns.size < longitude.size:
            selected.attrs["grid"] = "limited-area"
        self._note_missing_part(selected, latitude, longitude)
        return selected

    def _columns(self, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Indices from west to east, and the continued longitudes, of the points between west and east."""
        west = self.west % 360.0
        offset = _degrees_east_of(longitude, west)
        order = np.argsort(offset, kind="stable")
        columns = order[offset[order] <= self.width + TOLERANCE_DEG]
        # The stored longitudes are kept to the last bit and only shifted by whole turns.
        turns = np.round((west + offset[columns] - longitude[columns]) / 360.0)
        selected = longitude[columns] + 360.0 * turns
        if selected.size and selected[-1] >= 360.0 - TOLERANCE_DEG:
            selected = selected - 360.0
        if selected.size > 2:
            steps = np.diff(selected)
            widest = int(np.argmax(steps))
            if steps[widest] > 1.5 * np.median(np.diff(np.sort(longitude))) + TOLERANCE_DEG:
                raise UserError(
                    f"Expected data on all longitudes of {self}, found none between "
                    f"{selected[widest] % 360:g} and {selected[widest + 1] % 360:g} degrees east; choose a "
                    "region on one side of the gap."
                )
        return columns, selected

    def _note_missing_part(self, selected: xr.Dataset, latitude: np.ndarray, longitude: np.ndarray) -> None:
        """Record when the region reaches more than one grid step beyond the data."""
        row_step = float(np.max(np.abs(np.diff(latitude))))
        column_step = float(np.median(np.diff(longitude)))
        short = (
            float(selected["latitude"][-1]) > self.south + row_step + TOLERANCE_DEG
            or float(selected["latitude"][0]) < self.north - row_step - TOLERANCE_DEG
        )
        if not self.is_full_circle:
            covered = float(selected["longitude"][-1] - selected["longitude"][0])
            short = short or covered < self.width - 2 * column_step - TOLERANCE_DEG
        if short:
            add_note(selected, f"{self} reaches beyond the data; the common part was taken.")

    def __str__(self) -> str:
        """Name the box as a sentence would."""
        return f"region {self.south:g}..{self.north:g} N, {self.west:g}..{self.east:g} E"


def as_region(region: Any) -> Region | None:
    """Return a region given as such, as the name of a preset in any letter case, or as (south, north, west, east)."""
    if region is None or isinstance(region, Region):
        return region
    if isinstance(region, str):
        for name, preset in REGIONS.items():
            if name.lower() == region.strip().lower():
                return preset
        raise UserError(
            f"Expected the name of a region ({', '.join(REGIONS)}), found '{region}'; choose one of these."
        )
    if isinstance(region, (tuple, list)) and len(region) == 4:
        return Region(*region)
    raise UserError(
        f"Expected a region as Region(south, north, west, east) or one of {', '.join(REGIONS)}, found "
        f"{region!r}."
    )


def _degrees_east_of(longitude: np.ndarray, west: float) -> np.ndarray:
    """Distance eastwards from ``west``, in [0, 360), with points just west of it at zero."""
    offset = (longitude - west) % 360.0
    return np.where(offset >= 360.0 - TOLERANCE_DEG, 0.0, offset)


def _span(values: np.ndarray, name: str) -> str:
    return f"{name} {values.min():g} to {values.max():g}"


def _is_field(array: xr.DataArray) -> bool:
    return {"latitude", "longitude"} <= set(array.dims)


REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        "Europe": Region(30.0, 75.0, -25.0, 45.0),
        "North America": Region(15.0, 70.0, -140.0, -55.0),
        "South-East Asia": Region(-15.0, 35.0, 85.0, 150.0),
        "Pacific": Region(-40.0, 50.0, 120.0, -110.0),
        "Globe": Region(-90.0, 90.0, 0.0, 360.0),
    }
)
"""Presets by name."""


def cells_of(
    region: Region | None, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first index and end of the rows and of the columns whose centres lie in a region; of all without one."""
    if region is None:
        return (0, latitude.size), (0, longitude.size)
    # Indices instead of fields are cut out, so that one place decides which cells belong to a region.
    places = xr.Dataset(
        {"column": ("longitude", np.arange(longitude.size))}, {"latitude": latitude, "longitude": longitude}
    ).assign(row=("latitude", np.arange(latitude.size)))
    selected = region.select(places)
    rows, columns = selected["row"].values, selected["column"].values
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[0]) + columns.size)
