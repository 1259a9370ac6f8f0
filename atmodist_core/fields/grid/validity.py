"""Validity of grid points: which hold values, which patches are complete, what stands in for the rest.

Points outside a model's domain or a satellite's swath are NaN from reading to maps. A network needs a number everywhere:
for it alone, missing points take the value of the nearest valid point, and what rests on them is masked again.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError

Mask = NDArray[np.bool_]


def valid_points(dataset: xr.Dataset, fields: Iterable[str] | None = None) -> xr.DataArray:
    """Return which points hold values in all fields and at all times.

    Parameters
    ----------
    dataset : xarray.Dataset
        Canonical fields. Lazy data are read, one field after the other.
    fields : iterable of str, optional
        Variables to look at; default: all over latitude and longitude.

    Returns
    -------
    xarray.DataArray
        bool over (latitude, longitude).

    Raises
    ------
    UserError
        There is no such field.

    Examples
    --------
    >>> area = xr.Dataset({"vorticity": (("latitude", "longitude"), [[1.0, np.nan], [2.0, 3.0]])})
    >>> valid_points(area).values.tolist()
    [[True, False], [True, True]]
    """
    axes = ("latitude", "longitude")
    names = [str(name) for name in dataset.data_vars if set(axes) <= set(dataset[name].dims)]
    names = names if fields is None else list(fields)
    missing = [name for name in names if name not in dataset]
    if missing or not names:
        raise UserError(
            f"Expected fields over latitude and longitude, found no {missing[0] if missing else 'variable'}; "
            "open the data with atmodist_core.open_fields."
        )
    valid: xr.DataArray | None = None
    for name in names:
        others = [dimension for dimension in dataset[name].dims if dimension not in axes]
        finite = dataset[name].notnull() & ~np.isinf(dataset[name])
        finite = finite.all(others).transpose(*axes).compute()
        valid = finite if valid is None else valid & finite
    assert valid is not None  # there is a field at least
    return valid.drop_vars([name for name in valid.coords if name not in axes]).rename("valid")


def valid_patches(mask: Mask, size: int, *, wraps: bool = False) -> Mask:
    """Return the north-west corners of patches without an invalid point.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        Valid points, as of :func:`valid_points`.
    size : int
        Points along each side of a patch.
    wraps : bool
        Whether the first column follows the last one; patches may then lie across the seam.

    Returns
    -------
    ndarray of bool, shape (rows - size + 1, columns - size + 1), or (rows - size + 1, columns) where it wraps
        Empty if a patch does not fit.

    Examples
    --------
    >>> mask = np.ones((3, 4), bool)
    >>> mask[0, 0] = False
    >>> valid_patches(mask, 2).astype(int).tolist()
    [[0, 1, 1], [1, 1, 1]]
    """
    return np.asarray(window_sums(~mask, size, wraps=wraps) == 0)


def window_sums(mask: Mask, size: int, *, wraps: bool = False) -> NDArray[np.int64]:
    """Return how many points are True in every window of ``size`` x ``size``, by its corner as in :func:`valid_patches`."""
    if wraps:
        mask = np.concatenate([mask, mask[:, : size - 1]], axis=1)
    rows, columns = (max(length - size + 1, 0) for length in mask.shape)
    # Sums over rectangles from the corner: four of them give those of any window.
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = np.cumsum(np.cumsum(mask, axis=0), axis=1)
    inside = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return np.asarray(inside[:rows, :columns])


def filled(fields: NDArray[np.float32], valid: Mask) -> NDArray[np.float32]:
    """Return fields ``(..., rows, columns)`` with the value of the nearest valid point at the invalid ones.

    Nearest counts rows and columns alike. At least one point of the mask ``(rows, columns)`` must be valid.
    """
    if valid.all():
        return fields
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return fields[..., rows, columns]


def largest_valid_rectangle(mask: Mask) -> tuple[slice, slice]:
    """Return rows and columns of the rectangle with the most points among those without an invalid point.

    Of equal ones the northernmost is returned; without a valid point it is empty.
    """
    best, found = 0, (slice(0, 0), slice(0, 0))
    heights = np.zeros(mask.shape[1] + 1, dtype=np.int64)
    for row, line in enumerate(mask):
        heights[:-1] = np.where(line, heights[:-1] + 1, 0)
        # Columns with rising heights wait until a lower one ends their rectangles.
        waiting: list[int] = []
        for column, height in enumerate(heights.tolist()):
            while waiting and heights[waiting[-1]] >= height:
                tall = int(heights[waiting.pop()])
                first = waiting[-1] + 1 if waiting else 0
                if tall * (column - first) > best:
                    best = tall * (column - first)
                    found = (slice(row + 1 - tall, row + 1), slice(first, column))
            waiting.append(column)
    return found
