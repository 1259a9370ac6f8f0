"""The guessed time between two states, as a dataset."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.fields.grid.patches import PatchCover


def lag_prediction(
    probability: NDArray[np.float64], leads: NDArray[np.float64], cover: PatchCover, *, per_patch: bool
) -> xr.Dataset:
    """Describe the probabilities of leads.

    Parameters
    ----------
    probability : ndarray, shape (time, patch, lead)
        Of every lead, for every patch.
    leads : ndarray, shape (lead,)
        In hours.
    cover : PatchCover
        Where the patches lie.
    per_patch : bool
        Keep the patches apart instead of averaging their probabilities.

    Returns
    -------
    xarray.Dataset
        ``probability`` over ``(time, [patch,] lead)``, and the ``most_likely`` and the ``expected`` lead [h].
    """
    dimensions: tuple[str, ...] = ("time", "patch", "lead")
    if not per_patch:
        probability, dimensions = probability.mean(axis=1), ("time", "lead")
    most_likely = leads[probability.argmax(axis=-1)]
    result = xr.Dataset(
        {
            "probability": (dimensions, probability, {"units": "1", "long_name": "probability of the lead"}),
            "most_likely": (
                dimensions[:-1],
                most_likely,
                {"units": "hours", "long_name": "most likely lead"},
            ),
            "expected": (
                dimensions[:-1],
                probability @ leads,
                {"units": "hours", "long_name": "expected lead"},
            ),
        },
        coords={"lead": ("lead", leads, {"units": "hours", "long_name": "time between the two states"})},
        attrs={"patches": cover.count, "patch_size": cover.size},
    )
    if not per_patch:
        return result
    return result.assign_coords(
        latitude=("patch", cover.latitude, {"units": "degrees_north", "long_name": "centre of the patch"}),
        longitude=("patch", cover.longitude, {"units": "degrees_east", "long_name": "centre of the patch"}),
    )
