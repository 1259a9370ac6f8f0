"""Fields of an ensemble as arrays, with the members as their first axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import (
    field_values,
    horizontal_fields,
    time_batches,
    truth_at_points_of,
)

MEMBER = "member"
"""Name of the dimension of the members."""

VALUES_AT_ONCE = 4_000_000
"""Values of one field and all members that are held together."""


def member_values(ds: xr.Dataset, name: str) -> np.ndarray:
    """Return a field as float32 ``(member, time, latitude, longitude)``; one member where the axis is missing."""
    if MEMBER not in ds[name].dims:
        return field_values(ds, name, dtype=np.float32)[None]
    return np.stack(
        [field_values(ds.isel({MEMBER: n}), name, dtype=np.float32) for n in range(ds.sizes[MEMBER])]
    )


def matched(prediction: xr.Dataset, truth: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Return the truth at the points of a prediction, and the fields that both have.

    Raises ``UserError`` if they share no field, or grids or times differ.
    """
    truth = truth_at_points_of(prediction, truth)
    names = [name for name in horizontal_fields(truth) if name in prediction.data_vars]
    if not names:
        raise UserError(
            f"Expected a field that prediction and truth share, found {', '.join(map(str, prediction.data_vars))} "
            f"against {', '.join(map(str, truth.data_vars))}; give both the same fields."
        )
    if MEMBER in truth.dims:
        raise UserError("Expected a truth without members, found a dimension member; select one of them.")
    return truth, names


def member_batches(
    prediction: xr.Dataset, truth: xr.Dataset, names: list[str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield members ``(member, field, time, latitude, longitude)`` and truth ``(field, time, ...)``, float32, a few times at once."""
    points = truth.sizes["latitude"] * truth.sizes["longitude"] * prediction.sizes.get(MEMBER, 1)
    size = max(1, VALUES_AT_ONCE // points)
    for some, true in zip(time_batches(prediction, size), time_batches(truth, size), strict=True):
        yield (
            np.stack([member_values(some, name) for name in names], axis=1),
            np.stack([field_values(true, name, dtype=np.float32) for name in names]),
        )


def require_members(prediction: xr.Dataset, what: str) -> int:
    """Return the number of members; ``UserError`` if there are fewer than two."""
    count = int(prediction.sizes.get(MEMBER, 1))
    if count < 2:
        raise UserError(
            f"Expected two or more members for {what}, found {count}; downscale with members=8 and a model with noise."
        )
    return count


def field_coordinates(truth: xr.Dataset, names: list[str]) -> dict[str, Any]:
    """Return the coordinates ``field`` and ``units`` of results over fields."""
    units = [str(truth[name].attrs.get("units", "unknown")) for name in names]
    return {"field": names, "units": ("field", units)}
