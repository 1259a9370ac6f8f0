"""Band of total wavenumbers that a downscaler adds: from the coarse grid's Nyquist to the truth's truncation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.energy_ratio import nyquist_degree

SUB_BANDS = 4
EMPTY = 1e-6
"""Degrees whose power is less than this share of the largest one beyond the coarse Nyquist count as empty."""


@dataclass(frozen=True)
class SpectralBand:
    """Total wavenumbers ``first`` to ``last`` that the coarse grid lacks and the truth has.

    ``grid_limit`` is the last degree that the fine grid carries, ``origin`` a sentence on where the band comes from.
    """

    first: int
    last: int
    grid_limit: int
    origin: str

    @property
    def degrees(self) -> slice:
        """The band, as a slice of a spectrum."""
        return slice(self.first, self.last + 1)

    @property
    def beyond(self) -> slice:
        """Degrees above the truncation, as a slice of a spectrum; empty where the truth fills the grid."""
        return slice(self.last + 1, self.grid_limit + 1)

    def parts(self, count: int = SUB_BANDS) -> list[slice]:
        """Cut the band into parts of nearly the same number of degrees, coarse ones first."""
        edges = np.linspace(self.first, self.last + 1, min(count, self.last + 1 - self.first) + 1)
        whole = [round(float(edge)) for edge in edges]
        return [slice(a, b) for a, b in pairwise(whole)]


def stated_truncation(attributes: Mapping[str, Any]) -> int | None:
    """Return the truncation that the description of a data set gives, or None.

    It is the attribute ``truncation``, or stands in ``derived_from`` ("coefficients to T179").

    Examples
    --------
    >>> stated_truncation({"derived_from": "spherical-harmonic coefficients to T179"})
    179
    """
    if "truncation" in attributes:
        return int(attributes["truncation"])
    found = re.search(r"coefficients to T(\d+)", str(attributes.get("derived_from", "")))
    return int(found[1]) if found else None


def spectral_band(
    latitude: np.ndarray,
    factor: int,
    spectrum: np.ndarray,
    attributes: Mapping[str, Any],
) -> SpectralBand:
    """Find the band of data whose truth has the mean power ``spectrum`` per field and degree.

    It begins at the first degree beyond the coarse grid's Nyquist, ``180 / (factor * spacing)``. It ends at the
    truncation that the data state, or else at the last degree whose power is more than a millionth of the
    largest one in the band, which is the grid's own last degree for data that were never truncated. Raises ``UserError``
    if the truth has nothing beyond the coarse Nyquist.
    """
    limit = spectrum.shape[-1] - 1
    first = int(np.floor(nyquist_degree(latitude, factor))) + 1
    stated = stated_truncation(attributes)
    if stated is not None:
        last, origin = min(stated, limit), "the truncation that the data state"
    else:
        power = spectrum[:, first:]
        filled = (power > EMPTY * power.max(axis=-1, keepdims=True)).any(axis=0) if power.size else power
        last = first + int(np.flatnonzero(filled)[-1]) if np.any(filled) else -1
        origin = (
            "the grid's last degree, where the truth still has power"
            if last == limit
            else "the last degree at which the truth's spectrum is not empty"
        )
    if last < first:
        raise UserError(
            f"Expected a truth with power beyond degree {first - 1}, which the coarse grid carries, found it to end "
            f"at {last}; choose finer data or a smaller factor."
        )
    return SpectralBand(first, last, limit, f"degrees {first} to {last}, {origin}")
