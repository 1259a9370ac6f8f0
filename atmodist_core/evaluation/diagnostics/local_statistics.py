"""Values of the fields around cities, and which of two models is closer to the truth there.

References
----------
Lessig, C., 2021: AtmoDist (talk); Hoffmann, S. and Lessig, C., 2023: AtmoDist. Environ. Data Sci. 2, arXiv
2202.01897 (150 cities, boxes of 1 x 1, 2 x 2 and 3 x 3 points; a city counts as better or worse when the
Wasserstein-1 distances differ by more than 10 per cent).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.wasserstein import wasserstein
from atmodist_core.evaluation.geometry import HORIZONTAL, closes_in_longitude, horizontal_fields, time_values

TOLERANCE = 0.1
"""Relative difference of two Wasserstein distances that counts as a difference."""


def box_indices(
    axis: np.ndarray, position: float, size: int, *, period: float | None = None
) -> np.ndarray | None:
    """Return the indices of the ``size`` neighbouring coordinates closest to a position.

    An odd box is centred on the nearest point, an even one on the cell between points that holds the
    position, so that every box lies within the next larger one. ``axis`` is evenly spaced, rising or falling. With a
    ``period`` of 360 the box may cross the end of the axis; else the result is None if it does not lie within it.

    Examples
    --------
    >>> import numpy as np
    >>> box_indices(np.arange(0.0, 360.0, 0.5), 237.7, 1, period=360.0)  # Seattle, 122.3 W
    array([475])
    """
    step = (axis[-1] - axis[0]) / (axis.size - 1)
    place = (position - axis[0]) / step
    if period is not None:
        place = place % (period / abs(step))
    first = int(np.floor(place + 0.5)) - size // 2 if size % 2 else int(np.floor(place)) - size // 2 + 1
    indices = np.arange(first, first + size)
    if period is not None:
        return indices % axis.size
    outside = not -0.5 <= place <= axis.size - 0.5
    return None if outside or indices[0] < 0 or indices[-1] >= axis.size else indices


def local_statistics(ds: xr.Dataset, cities: pd.DataFrame, boxes: Sequence[int] = (1, 2, 3)) -> xr.Dataset:
    """Return the values at the n x n grid points around every city, at every time.

    Parameters
    ----------
    ds : xarray.Dataset
        Canonical fields of the globe or of a limited area; may be lazy, only the points asked for are read.
    cities : pandas.DataFrame
        Columns ``name``, ``latitude`` [degrees north] and ``longitude`` [degrees east, west negative or
        beyond 180].
    boxes : sequence of int
        Sides n of the boxes, in points.

    Returns
    -------
    xarray.Dataset
        Every field over ``(city, time, point)``. ``point`` runs through the boxes one after the other; the
        coordinate ``box(point)`` says which box a point belongs to, so ``result.sel(point=result.box == 2)``
        are the four points of the 2 x 2 box. Coordinates ``city`` (name), ``latitude``, ``longitude`` and
        ``country`` where known. Cities whose largest box does not lie within a limited area are left out and
        named in the attribute ``notes``.

    Raises
    ------
    UserError
        If a column is missing, a box is smaller than one point, or no city lies within the area.
    """
    missing = {"name", "latitude", "longitude"} - set(cities.columns)
    if missing:
        raise UserError(
            f"Expected cities with the columns name, latitude and longitude, found no {sorted(missing)[0]}; "
            "take them from atmodist_core.cities()."
        )
    if not boxes or min(boxes) < 1:
        raise UserError(f"Expected boxes of one point a side or more, found {list(boxes)}; use (1, 2, 3).")
    fields = horizontal_fields(ds)
    latitude, longitude = (ds[name].values.astype(float) for name in HORIZONTAL)
    if max(boxes) > min(latitude.size, longitude.size) or min(latitude.size, longitude.size) < 2:
        raise UserError(
            f"Expected an area larger than the largest box of {max(boxes)} points, found {latitude.size} x "
            f"{longitude.size} points; choose a larger region."
        )
    period = 360.0 if closes_in_longitude(ds) else None
    kept, left_out, rows, columns = [], [], [], []
    for position, (_, city) in enumerate(cities.iterrows()):
        # Degrees east in the turn that starts half a cell west of the grid: 122.3 W is 237.7, never 57.7.
        start = longitude[0] - 0.5 * (longitude[1] - longitude[0])
        east = start + (float(city["longitude"]) - start) % 360.0
        squares = []
        for n in boxes:
            i = box_indices(latitude, float(city["latitude"]), n)
            j = box_indices(longitude, east, n, period=period)
            if i is not None and j is not None:
                squares.append(np.meshgrid(i, j, indexing="ij"))
        if len(squares) < len(boxes):
            left_out.append(str(city["name"]))
            continue
        kept.append(position)
        rows.append(np.concatenate([square[0].ravel() for square in squares]))
        columns.append(np.concatenate([square[1].ravel() for square in squares]))
    if not kept:
        raise UserError(
            f"Expected at least one city within the area, found none of {len(cities)}; choose a larger "
            f"region."
        )
    chosen = cities.iloc[kept]
    at = {
        "latitude": xr.DataArray(np.array(rows), dims=("city", "point")),
        "longitude": xr.DataArray(np.array(columns), dims=("city", "point")),
    }
    bare = ds[fields].drop_vars(list(HORIZONTAL))
    if "time" not in bare.dims:
        bare = bare.drop_vars("time", errors="ignore").expand_dims(time=time_values(ds))
    values = bare.isel(at).transpose("city", "time", "point")
    values = values.assign_coords(
        city=("city", chosen["name"].to_numpy(dtype=object).astype(str)),
        latitude=("city", chosen["latitude"].to_numpy(dtype=float), {"units": "degrees_north"}),
        longitude=("city", chosen["longitude"].to_numpy(dtype=float), {"units": "degrees_east"}),
        box=("point", np.repeat(boxes, np.square(boxes)), {"long_name": "points along a side of the box"}),
    )
    if "country" in chosen:
        values = values.assign_coords(country=("city", chosen["country"].to_numpy(dtype=object).astype(str)))
    notes = [f"Outside the area, left out: {', '.join(left_out)}."] if left_out else []
    values.attrs = {**ds.attrs, "notes": "\n".join([*filter(None, [ds.attrs.get("notes", "")]), *notes])}
    return values


def local_wasserstein(prediction: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """Return the Wasserstein-1 distance of the local values to the truth, per city, box and field.

    The sample of a city is every value of its box at every time.

    Parameters
    ----------
    prediction, truth : xarray.Dataset
        Results of :func:`local_statistics` for the same cities, boxes and times.

    Returns
    -------
    xarray.Dataset
        Every field over ``(city, box)``, in its own units, with the attribute ``times``: how many each rests
        on.

    Raises
    ------
    UserError
        If the two differ in cities, boxes or times, or have gaps.
    """
    for axis in ("city", "time", "point"):
        if prediction.sizes.get(axis) != truth.sizes.get(axis):
            raise UserError(
                f"Expected local statistics of the same cities, boxes and times, found "
                f"{prediction.sizes.get(axis)} "
                f"against {truth.sizes.get(axis)} along {axis}; make both from the same selection."
            )
    if list(prediction["city"].values) != list(truth["city"].values):
        raise UserError(
            "Expected local statistics of the same cities in the same order; make both from one table."
        )
    boxes = np.unique(truth["box"].values)
    result: dict[str, xr.DataArray] = {}
    for name in map(str, truth.data_vars):
        per_box = []
        for n in boxes:
            inside = truth["box"].values == n
            a, b = (
                ds[name].transpose("city", "time", "point").values[..., inside] for ds in (prediction, truth)
            )
            per_box.append(wasserstein(a, b, axis=(1, 2)))
        result[name] = xr.DataArray(
            np.stack(per_box, axis=-1),
            dims=("city", "box"),
            attrs={
                "long_name": f"Wasserstein-1 distance of local {name.replace('_', ' ')} to the truth",
                "units": truth[name].attrs.get("units", "unknown"),
            },
        )
    coordinates = {name: truth[name] for name in truth.coords if truth[name].dims == ("city",)}
    return xr.Dataset(result, coords={**coordinates, "box": boxes}, attrs={"times": truth.sizes["time"]})


def better_equal_worse(
    candidate: xr.Dataset, reference: xr.Dataset, tolerance: float = TOLERANCE
) -> xr.Dataset:
    """Return where the candidate is closer to the truth than the reference: +1 better, 0 about equal, -1 worse.

    They count as different when their Wasserstein distances differ by more than ``tolerance`` times the larger one.

    Parameters
    ----------
    candidate, reference : xarray.Dataset
        Results of :func:`local_wasserstein` for two models and the same truth.
    tolerance : float

    Returns
    -------
    xarray.Dataset
        int8, dims of the inputs.
    """
    verdict = {}
    for name in map(str, reference.data_vars):
        gain = reference[name] - candidate[name]
        margin = tolerance * np.maximum(reference[name], candidate[name])
        verdict[name] = xr.DataArray(np.sign(gain) * (np.abs(gain) > margin)).astype(np.int8)
        verdict[name].attrs = {"long_name": "closer to the truth: 1 better, 0 equal, -1 worse", "units": "1"}
    return xr.Dataset(verdict, attrs={"tolerance": tolerance})
