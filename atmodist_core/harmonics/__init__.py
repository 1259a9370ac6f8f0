"""Spherical-harmonic transforms: grids, Legendre tables, scalar and vector analysis and synthesis."""

from atmodist_core.harmonics.grids import grid_of_latitudes, is_global
from atmodist_core.harmonics.registry import get_transform, keep_freed_memory
from atmodist_core.harmonics.spectrum import power_per_degree, shift_longitude
from atmodist_core.harmonics.transform import SphericalHarmonicTransform

__all__ = [
    "SphericalHarmonicTransform",
    "get_transform",
    "grid_of_latitudes",
    "is_global",
    "keep_freed_memory",
    "power_per_degree",
    "shift_longitude",
]
