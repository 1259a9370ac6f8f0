"""Transforms are costly to set up and free to share: one per process, size, type and device."""

from __future__ import annotations

import threading
from collections import OrderedDict

import torch

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.harmonics.transform import SphericalHarmonicTransform

_KEPT = 8
_transforms: OrderedDict[tuple[object, ...], SphericalHarmonicTransform] = OrderedDict()
_lock = threading.RLock()


def get_transform(
    latitude_count: int,
    longitude_count: int,
    truncation: int,
    grid: str = "gaussian",
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    radius_m: float = EARTH_RADIUS_M,
) -> SphericalHarmonicTransform:
    """Share one :class:`SphericalHarmonicTransform` per set of arguments; the eight used last are kept.

    Parameters
    ----------
    latitude_count, longitude_count, truncation, grid, dtype, device, radius_m
        As for :class:`SphericalHarmonicTransform`.

    Returns
    -------
    SphericalHarmonicTransform
        The same object for the same arguments; safe to use from several threads.
    """
    place = torch.device(device)
    if place.type == "cuda" and place.index is None:
        place = torch.device("cuda", torch.cuda.current_device())
    key = (latitude_count, longitude_count, truncation, grid, dtype, place, float(radius_m))
    with _lock:
        if key in _transforms:
            _transforms.move_to_end(key)
            return _transforms[key]
        transform = SphericalHarmonicTransform(
            latitude_count, longitude_count, truncation, grid, dtype=dtype, device=place, radius_m=radius_m
        )
        _transforms[key] = transform
        while len(_transforms) > _KEPT:
            _transforms.popitem(last=False)
        return transform
