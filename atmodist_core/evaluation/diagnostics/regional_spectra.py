"""Spectra of a limited area by the discrete cosine transform.

A field on a limited area is not periodic, and a Fourier transform would read the jump between its two ends as
small scales. The cosine transform mirrors the field at its edges instead, which leaves no jump.

References
----------
Denis, B., Cote, J. and Laprise, R., 2002: Spectral decomposition of two-dimensional atmospheric fields on
limited-area domains using the discrete cosine transform (DCT). Mon. Wea. Rev. 130, 1812-1829.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr
from scipy.fft import dctn

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import (
    field_values,
    grid_spacing_km,
    horizontal_fields,
    is_global_grid,
    squared_units,
    time_values,
    without_gaps,
)

SMALLEST_REGION = 4
"""Fewest points along an axis that make a spectrum worth the name."""


@dataclass(frozen=True)
class CosineModes:
    """Which bin of wavenumber every mode of the cosine transform falls into.

    Mode (m, n) of an area of ``rows * dy`` by ``columns * dx`` has the angular wavenumber ``k = pi sqrt((m /
    (rows dy))^2 + (n / (columns dx))^2)`` and the wavelength ``2 pi / k``. The bins are elliptical rings of
    constant k in index space, centred on ``j pi / (shorter side)``, j = 1, 2, ...: one half wave more along
    the shorter side per bin.
    """

    rows: int
    columns: int
    dy_km: float
    dx_km: float

    @property
    def bin_width(self) -> float:
        """Width of a bin in angular wavenumber [rad m-1]."""
        return np.pi / (1000 * min(self.rows * self.dy_km, self.columns * self.dx_km))

    @property
    def squared_wavenumber(self) -> np.ndarray:
        """k^2 of every mode [rad2 m-2], shape ``(rows, columns)``."""
        m = np.pi * np.arange(self.rows) / (self.rows * self.dy_km * 1000)
        n = np.pi * np.arange(self.columns) / (self.columns * self.dx_km * 1000)
        return m[:, None] ** 2 + n[None, :] ** 2

    @property
    def bin_of_mode(self) -> np.ndarray:
        """Bin index of every mode, 0 for the mean alone; shape ``(rows, columns)``."""
        index = np.rint(np.sqrt(self.squared_wavenumber) / self.bin_width).astype(np.intp)
        index[0, 0] = 0
        # The first modes along the longer side lie below the first bin: they belong to it all the same.
        index[(index == 0) & (self.squared_wavenumber > 0)] = 1
        return index

    @property
    def complete_bins(self) -> int:
        """How many bins lie within the wavenumbers that are resolved in every direction."""
        resolved = np.pi / (1000 * max(self.dy_km, self.dx_km))
        return max(1, int(np.ceil(resolved / self.bin_width - 0.5)) - 1)

    def wavelengths_km(self, bins: int) -> np.ndarray:
        """Wavelength at the centre of bins 1 ... ``bins`` [km]."""
        return 2 * np.pi / (self.bin_width * np.arange(1, bins + 1)) / 1000


@lru_cache(maxsize=16)
def cosine_modes(
    rows: int, columns: int, dy_km: float, dx_km: float
) -> tuple[CosineModes, np.ndarray, np.ndarray]:
    """Return the modes of an area, their bins and 1 / k^2 [m2] (zero for the mean), cached.

    The bins have shape ``(rows * columns,)``, 1 / k^2 has shape ``(rows, columns)``.
    """
    modes = CosineModes(rows, columns, dy_km, dx_km)
    squared = modes.squared_wavenumber
    squared[0, 0] = np.inf
    return modes, modes.bin_of_mode.ravel(), 1 / squared


def cosine_power(values: np.ndarray) -> np.ndarray:
    """Return the power of every mode of the two-dimensional DCT-II of ``(..., rows, columns)``, units squared.

    Its sum over all modes is the mean square of the values; without mode (0, 0) it is their variance (Denis et al.,
    2002).
    """
    rows, columns = values.shape[-2:]
    return dctn(values, type=2, norm="ortho", axes=(-2, -1)) ** 2 / (rows * columns)


def binned(power: np.ndarray, bin_of_mode: np.ndarray) -> np.ndarray:
    """Sum the power of the modes of each bin: ``(..., bins)``, bin 0, the mean, first."""
    count = int(bin_of_mode.max()) + 1
    flat = power.reshape(-1, bin_of_mode.size)
    sums = np.stack([np.bincount(bin_of_mode, weights=row, minlength=count) for row in flat])
    return sums.reshape(*power.shape[:-2], count)


def modes_of(ds: xr.Dataset) -> tuple[CosineModes, np.ndarray, np.ndarray]:
    """Return :func:`cosine_modes` of a grid; ``UserError`` for the globe and for areas that are too small."""
    rows, columns = ds.sizes["latitude"], ds.sizes["longitude"]
    if is_global_grid(ds):
        raise UserError(
            "Expected a limited area for a regional spectrum, found the whole globe; use energy_spectrum "
            "instead."
        )
    if min(rows, columns) < SMALLEST_REGION:
        raise UserError(
            f"Expected at least {SMALLEST_REGION} x {SMALLEST_REGION} points for a regional spectrum, found "
            f"{rows} x {columns}; choose a larger region."
        )
    dy_km, dx_km = grid_spacing_km(ds)
    # Rounded, so that regions whose coordinates differ in the last digit share one table.
    return cosine_modes(rows, columns, round(dy_km, 6), round(dx_km, 6))


def regional_spectrum(ds: xr.Dataset, *, corners: bool = False) -> xr.Dataset:
    """Spectra of the fields of a limited area over wavelength.

    Every horizontal field f of ``ds`` gets its variance per bin of wavenumber: with ``corners=True`` the bins
    sum to the (unweighted) variance of f over the area's points, which is the Parseval identity of the
    transform. By default the bins beyond the Nyquist wavenumber of the coarser direction are left out,
    since waves of those lengths are resolved in some directions only and the curve would bend down for no
    reason of the atmosphere.

    Where both vorticity and divergence are there, ``kinetic_energy`` is ``(|vorticity_k|^2 +
    |divergence_k|^2) / (2 k^2)`` per mode, summed over each bin: the energy per mass of the wind ``k x grad
    psi + grad chi`` with ``laplacian psi = vorticity``, ``laplacian chi = divergence`` and no normal gradient
    at the edges, that is, of the part of the wind that the area's own vorticity and divergence account for.
    It does not contain the wind that the weather outside induces inside (harmonic in the area), the mean
    wind, nor the product of the rotational and divergent parts (whose integral over the globe vanishes but
    over an area need not). These are large-scale: far from the longest waves the curve is comparable with
    that of the globe.

    Parameters
    ----------
    ds : xarray.Dataset
        Canonical fields of a limited area, evenly spaced. Where points are missing, the largest rectangle of points with
        values at all times is taken, and the attribute ``window`` says which. The plane of the transform has the
        spacing ``a dlat`` by ``a cos(middle latitude) dlon``; on an area that spans many latitudes the
        wavelength of west-east waves is right at the middle latitude only.
    corners : bool
        Keep the bins that are complete in some directions only, up to the shortest diagonal wave.

    Returns
    -------
    xarray.Dataset
        One variable per field [units squared] and ``kinetic_energy`` [m2 s-2], each over ``(time,
        wavelength_km)``, long waves first, power *per bin*; coordinate ``equivalent_degree``: the total
        wavenumber ``k a`` of a wave of that length on the globe. Dividing by the attribute
        ``degrees_per_bin`` gives power per total wavenumber, to be laid over :func:`energy_spectrum`.

    Raises
    ------
    UserError
        For the whole globe, fewer than 4 x 4 points with values, or uneven spacing.

    Notes
    -----
    Denis, Cote and Laprise (2002), with two changes: bins are centred on their nominal wavenumber
    (there, it is the lower edge), and spacing may differ between the two directions.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> latitude, longitude = np.arange(50, 40, -0.5), np.arange(10, 20, 0.5)
    >>> wave = np.cos(np.pi * 5 * (np.arange(20) + 0.5) / 20)[:, None] * np.ones(20)
    >>> ds = xr.DataArray(
    ...     wave, {"latitude": latitude, "longitude": longitude}, dims=("latitude", "longitude")
    ... ).to_dataset(name="vorticity")
    >>> spectrum = regional_spectrum(ds, corners=True).vorticity[0]
    >>> round(float(spectrum.sum()), 6)  # the variance of a cosine
    0.5
    """
    names = horizontal_fields(ds)
    whole = ds
    ds = without_gaps(ds[names])
    modes, bin_of_mode, inverse_squared = modes_of(ds)
    last = int(bin_of_mode.max()) if corners else modes.complete_bins
    wavelength = modes.wavelengths_km(last)
    power = {name: cosine_power(field_values(ds, name)) for name in names}
    spectra = {name: binned(values, bin_of_mode)[..., 1 : last + 1] for name, values in power.items()}
    if {"vorticity", "divergence"} <= power.keys():
        energy = 0.5 * (power["vorticity"] + power["divergence"]) * inverse_squared
        spectra["kinetic_energy"] = binned(energy, bin_of_mode)[..., 1 : last + 1]
    result = xr.Dataset(
        {name: (("time", "wavelength_km"), values) for name, values in spectra.items()},
        coords={
            "time": time_values(ds),
            "wavelength_km": ("wavelength_km", wavelength, {"units": "km", "long_name": "wavelength"}),
            "equivalent_degree": (
                "wavelength_km",
                2 * np.pi * EARTH_RADIUS_M / (1000 * wavelength),
                {"units": "1", "long_name": "total wavenumber of the same wavelength"},
            ),
        },
        attrs={
            "transform": "discrete cosine transform (Denis, Cote and Laprise, 2002)",
            "normalisation": "variance per bin: all bins together sum to the variance over the area",
            "degrees_per_bin": modes.bin_width * EARTH_RADIUS_M,
            "nyquist_wavelength_km": 2 * max(modes.dy_km, modes.dx_km),
        },
    )
    if ds.sizes != whole[names].sizes:
        latitude, longitude = ds["latitude"].values, ds["longitude"].values
        result.attrs["window"] = (
            f"{latitude[-1]:g} to {latitude[0]:g} N, {longitude[0]:g} to {longitude[-1]:g} E: the largest rectangle of "
            "points without gaps"
        )
    for name in names:
        units = ds[name].attrs.get("units")
        result[name].attrs = {
            "long_name": f"variance of {name.replace('_', ' ')} per bin of wavenumber",
            "units": squared_units(units),
        }
    if "kinetic_energy" in spectra:
        result["kinetic_energy"].attrs = {
            "long_name": "kinetic energy per bin of the wind due to the area's own vorticity and divergence",
            "units": "m2 s-2",
        }
    return result
