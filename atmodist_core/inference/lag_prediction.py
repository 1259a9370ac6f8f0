"""The guessed time between two states, as a dataset."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.fields.grid.patches import PatchCover


def lag_prediction(
    probability: NDArray[np.float64], lags: NDArray[np.float64], cover: PatchCover, *, per_patch: bool
) -> xr.Dataset:
    """Describe probabilities of lags [h], shape ``(time, patch, lag)``, by patch or averaged over them.

    The result holds ``probability`` over ``(time, [patch,] lag)``, the ``most_likely`` and the ``expected``
    lag [h].
    """
    dimensions: tuple[str, ...] = ("time", "patch", "lag")
    if not per_patch:
        probability, dimensions = probability.mean(axis=1), ("time", "lag")
    most_likely = lags[probability.argmax(axis=-1)]
    result = xr.Dataset(
        {
            "probability": (dimensions, probability, {"units": "1", "long_name": "probability of the lag"}),
            "most_likely": (
                dimensions[:-1],
                most_likely,
                {"units": "hours", "long_name": "most likely lag"},
            ),
            "expected": (
                dimensions[:-1],
                probability @ lags,
                {"units": "hours", "long_name": "expected lag"},
            ),
        },
        coords={"lag": ("lag", lags, {"units": "hours", "long_name": "time between the two states"})},
        attrs={"patches": cover.count, "patch_size": cover.size},
    )
    if not per_patch:
        return result
    return result.assign_coords(
        latitude=("patch", cover.latitude, {"units": "degrees_north", "long_name": "centre of the patch"}),
        longitude=("patch", cover.longitude, {"units": "degrees_east", "long_name": "centre of the patch"}),
    )
