"""Spherical-harmonic analysis, power and truncation of xarray data sets on any global grid."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.harmonics.grids import grid_of_latitudes, is_global, maximum_truncation
from atmodist_core.harmonics.registry import get_transform

MOST_ROWS_CLOSED = 800
"""Driscoll-Healy grids up to this size are closed at the south pole; for larger ones, tables take gigabytes."""


class GlobalTransform:
    """Spherical-harmonic analysis and synthesis on the grid of a data set.

    A grid with a row on the north pole but none on the south pole remains when the rows of a grid with both
    poles are made divisible by a downscaling factor. As a Driscoll-Healy grid it would resolve only half as many
    wavenumbers as rows, and alias the others. Here the missing row is restored, exactly for every field that the
    grid resolves, so that all wavenumbers count.

    Parameters
    ----------
    ds : xarray.Dataset
        Data set with the grid.
    truncation : int, optional
        Highest total wavenumber; by default the largest that the grid resolves.

    Attributes
    ----------
    truncation : int

    Raises
    ------
    UserError
        For a limited area, or a truncation that the grid does not resolve.
    """

    def __init__(self, ds: xr.Dataset, truncation: int | None = None) -> None:
        latitude, longitude = ds["latitude"].values, ds["longitude"].values
        if not is_global(latitude, longitude):
            raise UserError(
                f"Expected the whole globe for a spectrum over total wavenumber, found {_area(ds)}; "
                "use regional_spectrum for a limited area."
            )
        rows, columns, grid = latitude.size, longitude.size, grid_of_latitudes(latitude)
        assert grid is not None  # is_global is true
        self._southwards = bool(latitude[0] > latitude[-1])
        self._closed = grid == "driscoll-healy" and rows <= MOST_ROWS_CLOSED
        if self._closed:
            rows, grid = rows + 1, "equiangular-with-poles"
        largest = maximum_truncation(rows, columns, grid)
        if truncation is None:
            truncation = largest
        elif not 1 <= truncation <= largest:
            raise UserError(
                f"Expected a truncation from 1 to {largest} on this grid, found {truncation}; omit it "
                "for the largest."
            )
        self.truncation = truncation
        self._transform = get_transform(rows, columns, truncation, grid)

    def analysis(self, values: np.ndarray) -> Tensor:
        """Return coefficients of fields ``(..., latitude, longitude)``, as the transform does."""
        with torch.inference_mode():
            return self._transform.analysis(self._fields(values))

    def power(self, values: np.ndarray) -> np.ndarray:
        """Return power per degree ``(..., truncation + 1)`` of fields ``(..., latitude, longitude)``."""
        with torch.inference_mode():
            return np.asarray(self._transform.power(self._fields(values)).cpu().numpy())

    def _fields(self, values: np.ndarray) -> Tensor:
        """Convert fields to the row order, type and device of the transform."""
        field = torch.from_numpy(np.ascontiguousarray(values if self._southwards else values[..., ::-1, :]))
        if self._closed:
            field = _with_south_pole(field)
        return field.to(dtype=self._transform.dtype, device=self._transform.device)

    def synthesis(self, coefficients: Tensor) -> np.ndarray:
        """Return fields ``(..., latitude, longitude)`` on the grid, from coefficients."""
        with torch.inference_mode():
            return self._rows(self._transform.synthesis(coefficients).cpu().numpy())

    def _rows(self, field: np.ndarray) -> np.ndarray:
        """Give fields of the transform the rows of the data set."""
        if self._closed:
            field = field[..., :-1, :]
        return np.ascontiguousarray(field if self._southwards else field[..., ::-1, :])

    def without_degrees_below(self, values: np.ndarray, first: int) -> np.ndarray:
        """Return fields ``(..., latitude, longitude)`` of the degrees from ``first`` to the truncation only."""
        coefficients = self.analysis(values).clone()
        coefficients[..., :first, :] = 0
        return self.synthesis(coefficients)

    def inverse_laplacian(self, values: np.ndarray) -> np.ndarray:
        """Return fields ``(..., latitude, longitude)`` whose Laplacian is given, with a mean of zero [their unit m2].

        The mean of the given fields, which no Laplacian has, is ignored. Of a vorticity [s-1] it is the stream function
        [m2 s-1].
        """
        eigenvalues = self._transform.laplacian_eigenvalues.clone()
        eigenvalues[0] = torch.inf
        return self.synthesis(self.analysis(values) / eigenvalues[:, None])

    def rotational_wind(self, vorticity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return eastward and northward wind [m s-1] of a vorticity [s-1], ``(..., latitude, longitude)``, without divergence."""
        coefficients = self.analysis(vorticity)
        with torch.inference_mode():
            wind = self._transform.vorticity_divergence_to_wind(coefficients, torch.zeros_like(coefficients))
        eastward, northward = (self._rows(part.cpu().numpy()) for part in wind)
        return eastward, northward

    def truncated(self, values: np.ndarray) -> np.ndarray:
        """Remove all degrees above the truncation from fields ``(..., latitude, longitude)``."""
        return self.synthesis(self.analysis(values)).astype(values.dtype, copy=False)


def truncated(ds: xr.Dataset, truncation: int) -> xr.Dataset:
    """Truncate global fields at a total wavenumber, as in a spectral model.

    A downscaler works on grid points and leaves a little power above the truncation of its training data; on the
    globe, this function removes it and leaves all other degrees unchanged.

    Parameters
    ----------
    ds : xarray.Dataset
        Canonical fields of the globe; every variable over latitude and longitude is truncated.
    truncation : int
        Highest total wavenumber that is kept.

    Returns
    -------
    xarray.Dataset
        The same fields and attributes, plus the attribute ``truncation``.

    Raises
    ------
    UserError
        For a limited area, or a truncation that the grid does not resolve.
    """
    transform = GlobalTransform(ds, truncation)
    result = ds.copy()
    for name, variable in ds.data_vars.items():
        if {"latitude", "longitude"} <= set(variable.dims):
            field = variable.transpose(..., "latitude", "longitude")
            result[name] = field.copy(data=transform.truncated(field.values)).transpose(*variable.dims)
    return result.assign_attrs(truncation=truncation)


def _with_south_pole(field: Tensor) -> Tensor:
    """Append the row of the south pole, shape ``(..., n, longitude)`` to ``(..., n + 1, longitude)``.

    A field has one value at a pole, which contributes only to the mean over longitude. That mean is a cosine
    series in colatitude of degree n - 1 at most, so its coefficient of degree n vanishes: ``f_0 / 2 - f_1 + f_2
    - ... +- f_n / 2 = 0``. This is exact for every field that the closed grid resolves.
    """
    means = field.mean(dim=-1, dtype=torch.float64)
    count = means.shape[-1]
    signs = 1.0 - 2.0 * (torch.arange(count, device=field.device) % 2)
    alternating = 2 * (means * signs).sum(dim=-1) - means[..., 0]
    pole = alternating if count % 2 else -alternating
    row = pole.to(field.dtype)[..., None, None].expand(*field.shape[:-2], 1, field.shape[-1])
    return torch.cat([field, row], dim=-2)


def _area(ds: xr.Dataset) -> str:
    latitude, longitude = ds["latitude"].values, ds["longitude"].values
    if not latitude.size or not longitude.size:
        return "no points at all"
    spans = [f"{values.min():g} to {values.max():g}" for values in (latitude, longitude)]
    return f"latitudes {spans[0]} and longitudes {spans[1]}"
