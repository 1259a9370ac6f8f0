"""A vector for each state of the atmosphere, in which two climates can be compared: features of a network, or simple numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.energy_ratio import HighWavenumberPower
from atmodist_core.evaluation.geometry import field_values, horizontal_fields, time_batches
from atmodist_core.inference.atmodist import AtmoDist

BANDS = 6
"""Bands of latitude: 30 degrees each on the globe."""

Vectors = Callable[[xr.Dataset], NDArray[np.float64]]
"""Canonical fields to vectors ``(time, component)``."""

_TIMES_AT_ONCE = 8


def activation_vectors(
    distance: AtmoDist, fields: xr.Dataset, *, layers: Sequence[str] = ("stage2",), bands: int = BANDS
) -> NDArray[np.float64]:
    """Return the mean activation of each filter in bands of latitude.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical, over time.
    layers : sequence of str
        Of the network; their vectors are put one after the other.
    bands : int
        Bands of as equal a number of rows as possible; within a band, rows count by the cosine of their latitude.

    Returns
    -------
    numpy.ndarray
        Dimensionless, shape ``(time, component)``: for each layer, all bands of the first filter, then of the next.

    Raises
    ------
    UserError
        If there are more bands than rows, no layer is named, or the fields do not fit the network.
    """
    if not layers:
        raise UserError(f"Expected one layer or more, found none; choose among {', '.join(distance.layers)}.")
    latitude = fields["latitude"].values.astype(float)
    names = list(distance.card.channels)
    parts = []
    for part in time_batches(fields[names], _TIMES_AT_ONCE):
        found = []
        for layer in layers:
            values = distance.embed(part, layer=layer).values
            stride = distance.inference.config.stride(layer)
            rows = [latitude[start : start + stride].mean() for start in range(0, latitude.size, stride)]
            found.append(band_means(values, np.array(rows), bands))
        parts.append(np.concatenate(found, axis=1))
    return np.concatenate(parts)


def mean_vectors(fields: xr.Dataset, *, bands: int = BANDS) -> NDArray[np.float64]:
    """Return the mean of each field in bands of latitude [its units], shape ``(time, field * band)``."""
    return _of_fields(fields, lambda values, latitude: band_means(values, latitude, bands))


def square_vectors(fields: xr.Dataset, *, bands: int = BANDS) -> NDArray[np.float64]:
    """Return the mean square of each field in bands of latitude [its units squared], shape ``(time, field * band)``."""
    return _of_fields(fields, lambda values, latitude: band_means(np.square(values), latitude, bands))


def small_scale_vectors(fields: xr.Dataset, *, factor: int = 4) -> NDArray[np.float64]:
    """Return the power of each field beyond the Nyquist wavenumber of a grid ``factor`` times coarser [its units squared].

    Shape ``(time, field)``, over the whole area.
    """
    power = HighWavenumberPower(fields, factor)
    return _of_fields(fields, lambda values, _: power(values))


def band_means(
    values: NDArray[np.floating], latitude: NDArray[np.float64], bands: int
) -> NDArray[np.float64]:
    """Return means of ``(time, channel, row, column)`` in bands of rows, shape ``(time, channel * band)``.

    ``latitude`` is that of the rows [degrees north]; missing values do not count, and a band without values is missing.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([60.0, 0.0, -60.0])  # weights 1/2, 1, 1/2
    >>> band_means(np.array([0.0, 3.0, 5.0]).reshape(1, 1, 3, 1), rows, 2)  # the first two rows, and the last
    array([[2., 5.]])
    """
    if not 1 <= bands <= latitude.size:
        raise UserError(
            f"Expected 1 to {latitude.size} bands, as many as rows, found {bands}; choose fewer bands."
        )
    weights = np.where(np.isfinite(values), np.cos(np.deg2rad(latitude))[:, None], 0.0)
    weighted = np.where(np.isfinite(values), values, 0.0) * weights
    means = []
    for rows in np.array_split(np.arange(latitude.size), bands):
        total = weights[:, :, rows].sum(axis=(2, 3))
        with np.errstate(invalid="ignore"):
            means.append(weighted[:, :, rows].sum(axis=(2, 3)) / total)
    return np.stack(means, axis=-1).reshape(len(values), -1)


def _of_fields(
    fields: xr.Dataset,
    one: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Apply a function of values ``(time, field, latitude, longitude)`` and latitudes to a few times after the other."""
    names = horizontal_fields(fields)
    latitude = fields["latitude"].values.astype(float)
    parts = []
    for part in time_batches(fields[names], _TIMES_AT_ONCE):
        parts.append(one(np.stack([field_values(part, name) for name in names], axis=1), latitude))
    return np.concatenate(parts)
