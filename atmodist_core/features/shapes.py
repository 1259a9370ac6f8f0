"""Extent, anisotropy and preferred scale of the changes that excite filters."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError

KM_PER_DEGREE = EARTH_RADIUS_M / 1000 * np.pi / 180


def change_shapes(changes: xr.Dataset) -> xr.Dataset:
    r"""Return how large, how elongated and how fine the changes are that excite filters.

    All are moments of the squared change, summed over the channels, whose unit is the same. With :math:`\mathbf{r}` the
    distance from its centre and :math:`\mathbf{k}` the wavenumber of a Fourier transform of the patch:

    * ``extent``: root mean square of :math:`|\mathbf{r}|` [km];
    * ``anisotropy``: :math:`1 - \sqrt{\lambda_2 / \lambda_1}` with the eigenvalues of the covariance of :math:`\mathbf{r}`: 0 is
      round, 1 is a line;
    * ``scale``: :math:`2 \pi / \overline{|\mathbf{k}|}` [km], the wavelength of the mean wavenumber.

    Parameters
    ----------
    changes : xarray.Dataset
        As from :func:`exciting_change`. Points beyond the grid count as unchanged.

    Returns
    -------
    xarray.Dataset
        The three over the dimensions of the places, missing where there is no place. A degree of longitude has the length that it
        has at the latitude of the place.

    Raises
    ------
    UserError
        If these are no changes.
    """
    names = [str(name) for name, one in changes.data_vars.items() if {"y", "x"} <= set(one.dims)]
    if not names or "activation" not in changes:
        raise UserError(
            f"Expected changes over y and x at places, found {', '.join(map(str, changes.data_vars))}; give what "
            "exciting_change returns."
        )
    over = changes["activation"].dims
    values = np.stack([changes[name].transpose(*over, "y", "x").values for name in names], axis=len(over))
    latitude = changes["latitude"].broadcast_like(changes["activation"]).transpose(*over).values
    y, x = (changes[name].values * KM_PER_DEGREE for name in ("y", "x"))
    found = np.full((3, *latitude.shape), np.nan)
    for at in np.ndindex(latitude.shape):
        if np.isfinite(changes["activation"].transpose(*over).values[at]):
            found[(slice(None), *at)] = _shape(
                np.nan_to_num(values[at]), y, x * np.cos(np.deg2rad(latitude[at]))
            )
    units = {"extent": "km", "anisotropy": "1", "scale": "km"}
    kept = changes["activation"].coords
    return xr.Dataset(
        {name: (over, one, {"units": unit}) for (name, unit), one in zip(units.items(), found, strict=True)},
        kept,
    )


def _shape(
    values: NDArray[np.float32], y: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Extent, anisotropy and scale of a change (channel, y, x)."""
    energy = np.square(values, dtype=np.float64).sum(axis=0)
    if not energy.sum() > 0:
        return np.nan, np.nan, np.nan
    weight = energy / energy.sum()
    points = np.stack(np.meshgrid(y, x, indexing="ij"))
    away = points - (weight * points).sum(axis=(1, 2), keepdims=True)
    covariance = np.einsum("ayx,byx,yx->ab", away, away, weight)
    small, large = np.clip(np.linalg.eigvalsh(covariance), 0, None)
    steps = abs(y[1] - y[0]), abs(x[1] - x[0])
    ky, kx = (2 * np.pi * np.fft.fftfreq(size, step) for size, step in zip(energy.shape, steps, strict=True))
    power = (np.abs(np.fft.fft2(values.astype(np.float64))) ** 2).sum(axis=0)
    wavenumber = (power * np.hypot(ky[:, None], kx[None])).sum() / power.sum()
    return float(np.sqrt(small + large)), float(1 - np.sqrt(small / large)), float(2 * np.pi / wavenumber)
