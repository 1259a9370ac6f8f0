"""Process-wide state of the transforms: shared transform objects, and keeping freed memory."""

from __future__ import annotations

import ctypes
import sys
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
    """Return a shared transform per set of arguments; the eight most recently used are kept.

    Arguments are those of :class:`~atmodist_core.harmonics.SphericalHarmonicTransform`; equal ones give the same
    object, which is safe to use from several threads.
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


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # from glibc's malloc.h
_LIMIT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Tell the C library to keep freed memory for the next allocation; return False if it is not glibc.

    By default glibc returns freed blocks of tens of megabytes to the system, and each page of the next block
    costs a page fault and is zeroed again: on a CPU this adds up to half to the time of batched transforms.
    Programs that transform for hours call this once when they start.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # Older versions refuse a threshold above 32 MiB; without mapped blocks nothing is returned either.
    kept = mallopt(_M_MMAP_THRESHOLD, _LIMIT_BYTES) or mallopt(_M_MMAP_MAX, 0)
    trimmed = mallopt(_M_TRIM_THRESHOLD, 2 * _LIMIT_BYTES - 1)
    return bool(kept and trimmed)
