"""Where on the globe the power of a band of total wavenumbers lies.

A spectrum over total wavenumber tells how much small scale there is, not where. Here a field is cut down to the
degrees of a band, which is exact, and its mean square is taken in belts of latitude. Belts are no eigenspaces of the
Laplacian: near a belt's edge, structures of one reach into the other, by about one wavelength of the band.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.spectra import energy_spectrum
from atmodist_core.evaluation.statistics.spectral_band import spectral_band
from atmodist_core.harmonics.global_transform import GlobalTransform


class LatitudePower:
    """Mean square of a band of total wavenumbers in belts of latitude, north and south together.

    Parameters
    ----------
    template : xarray.Dataset
        Fields of the whole globe; gives the grid.
    first, last : int
        Degrees of the band, both included.
    edges : sequence of float
        Distances from the equator [degrees] at which belts begin and end, ascending from 0 to 90.

    Attributes
    ----------
    first, last : int
        The band.
    area : numpy.ndarray, shape ``(belt,)``
        Share of each belt in the area of the grid.

    Raises
    ------
    UserError
        For a limited area, a band that the grid does not carry, or edges that do not ascend from 0 to 90.
    """

    def __init__(self, template: xr.Dataset, first: int, last: int, edges: Sequence[float]) -> None:
        if len(edges) < 2 or edges[0] != 0 or edges[-1] != 90 or any(b <= a for a, b in pairwise(edges)):
            raise UserError(
                f"Expected edges of belts that ascend from 0 to 90 degrees, found {' '.join(map(str, edges))}."
            )
        if not 1 < first <= last:
            raise UserError(
                f"Expected a band of degrees from 2 on, found {first} to {last}; take for instance 91 to 179."
            )
        self.first, self.last = first, last
        self._all = GlobalTransform(template, last)
        self._below = GlobalTransform(template, first - 1)
        weights = area_weights(template)
        self._weights = weights / weights.sum()
        distance = np.abs(template["latitude"].values)
        # The last belt holds the pole itself.
        self._belts = [(distance >= near) & ((distance < far) | (far == 90)) for near, far in pairwise(edges)]
        self.area = np.array([self._weights[belt].sum() for belt in self._belts])

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Mean squares, weighted with the area of the belts.

        Parameters
        ----------
        values : numpy.ndarray, shape ``(field, latitude, longitude)``

        Returns
        -------
        numpy.ndarray, shape ``(field, belt)``
            Contribution of each belt to the mean square over the globe: their sum is the power of the band.
        """
        exact = values.astype(np.float64)
        square = np.square(self._all.truncated(exact) - self._below.truncated(exact)) * self._weights
        return np.stack([square[:, belt].sum(axis=(1, 2)) for belt in self._belts], axis=-1)


def power_band(data: EvaluationData) -> tuple[int, int]:
    """First and last degree of the band that the tables of :func:`evaluation_result` rest on: what the coarse grid cannot carry, to the truncation."""
    first = energy_spectrum(data.template)
    spectrum = np.stack([np.ravel(first[name].values) for name in data.names])
    band = spectral_band(data.template["latitude"].values, data.factor, spectrum, data.template.attrs)
    return band.first, band.last
