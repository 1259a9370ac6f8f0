"""The vertical discretisation in sigma coordinates: hydrostatics and energy conversion as small matrices."""

from __future__ import annotations

import dataclasses

import numpy as np

from atmodist_core.common.constants import GAS_CONSTANT_DRY_AIR, KAPPA


@dataclasses.dataclass(frozen=True)
class VerticalGrid:
    """Finite differences of Simmons & Burridge (1981) on sigma levels; they conserve energy and angular
    momentum.

    Level 0 is the top. With N full levels the matrices are of shape (N, N) unless said otherwise.
    """

    full_levels: np.ndarray
    """Sigma of the full levels, shape (N,)."""
    thickness: np.ndarray
    """Sigma thickness of the layers, shape (N,)."""
    hydrostatic: np.ndarray
    """Geopotential of the full levels above the ground per temperature [J kg-1 K-1]."""
    compression: np.ndarray
    """Maps D + V . grad(ln p_s) to -(omega / p) plus V . grad(ln p_s) [1]."""
    sigma_velocity: np.ndarray
    """Maps D + V . grad(ln p_s) to sigma-dot at the inner half levels, shape (N - 1, N)."""
    advection: np.ndarray
    """Maps sigma-dot times the difference across the half level to vertical advection, shape (N, N - 1)."""

    @classmethod
    def from_half_levels(cls, half_levels: tuple[float, ...]) -> VerticalGrid:
        """Build the matrices from the half levels, rising from 0 to 1."""
        half = np.asarray(half_levels, dtype=np.float64)
        thickness = np.diff(half)
        count = len(thickness)
        # ln of the ratio of the bounding half levels; the top layer's is infinite and is replaced by alpha =
        # ln 2
        log_ratio = np.zeros(count)
        log_ratio[1:] = np.log(half[2:] / half[1:-1])
        alpha = np.full(count, np.log(2.0))
        alpha[1:] = 1.0 - half[1:-1] / thickness[1:] * log_ratio[1:]
        hydrostatic = np.zeros((count, count))
        compression = np.zeros((count, count))
        for k in range(count):
            hydrostatic[k, k] = GAS_CONSTANT_DRY_AIR * alpha[k]
            hydrostatic[k, k + 1 :] = GAS_CONSTANT_DRY_AIR * log_ratio[k + 1 :]
            compression[k, :k] = log_ratio[k] * thickness[:k] / thickness[k]
            compression[k, k] = alpha[k]
        cumulative = np.tril(np.ones((count, count))) * thickness
        sigma_velocity = half[1:-1, None] * cumulative[-1] - cumulative[:-1]
        advection = np.zeros((count, count - 1))
        for k in range(count - 1):
            advection[k, k] = advection[k + 1, k] = 0.5
        advection /= thickness[:, None]
        return cls(
            full_levels=0.5 * (half[1:] + half[:-1]),
            thickness=thickness,
            hydrostatic=hydrostatic,
            compression=compression,
            sigma_velocity=sigma_velocity,
            advection=advection,
        )

    def gravity_wave_matrix(self, reference_temperature_kelvin: float) -> np.ndarray:
        """The matrix of the linear gravity waves [m2 s-2]; its eigenvalues are their squared phase speeds."""
        return self.hydrostatic @ (KAPPA * reference_temperature_kelvin * self.compression) + (
            GAS_CONSTANT_DRY_AIR * reference_temperature_kelvin * self.thickness[None, :]
        )
