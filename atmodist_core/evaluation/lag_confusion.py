"""How well a distance network guesses the time between two states of a period: its confusion matrix."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.evaluation.geometry import time_values
from atmodist_core.evaluation.lag_curves import pairs_by_lead
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.patches import PatchCover
from atmodist_core.inference.atmodist import AtmoDist


def lag_confusion(
    distance: AtmoDist,
    fields: xr.Dataset,
    *,
    pairs_per_lead: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> xr.Dataset:
    """Count which lead the network finds most likely for pairs of states whose lead is known.

    The region is covered with patches of the size the network was trained on; each patch is one guess, as in training.
    Every state is encoded once.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical, at several times, at least as large as a patch.
    pairs_per_lead : int
        At most so many pairs of times for each lead, drawn with ``seed``.
    seed : int
        Of that draw.
    progress, cancel : callable, optional
        As for :class:`~atmodist_core.inference.downscaler.Downscaler`.

    Returns
    -------
    xarray.Dataset
        ``count`` over ``(lead, predicted_lead)`` [h]: leads without a pair have zeros. ``mean_error`` over ``lead``: the mean
        absolute difference of the most likely and the true lead [h]. Attribute ``accuracy``: share of right guesses.

    Raises
    ------
    UserError
        If the region is smaller than a patch, or no two times lie a known lead apart.
    """
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    leads = np.array(distance.inference.network.classifier.config.lags_hours, dtype=np.float64)
    size = distance.inference.network.classifier.config.patch_size
    cover = PatchCover.of(arrays.latitude, arrays.longitude, size)
    found = pairs_by_lead(time_values(fields), float(leads[-1]), pairs_per_lead, seed)
    pairs = {lead: found[lead] for lead in leads.tolist() if lead in found}
    if not pairs:
        raise UserError(
            f"Expected times that lie {leads[0]:g} to {leads[-1]:g} hours apart, found none in the period; choose another period or step."
        )
    needed = np.unique(np.concatenate([np.concatenate(pair) for pair in pairs.values()]))
    watch = ProgressWatch(distance.name, needed.size, progress, cancel)
    encoded = {}
    for time in needed.tolist():
        watch.before()
        encoded[time] = distance.inference.encode_patches(cover.cut(arrays.read(time)))
        watch.done()
    count = np.zeros((leads.size, leads.size), dtype=np.int64)
    for row, lead in enumerate(leads.tolist()):
        for i, j in zip(*pairs.get(lead, ((), ())), strict=True):
            watch.before()
            guesses = distance.inference.classify(encoded[int(i)], encoded[int(j)]).argmax(axis=1)
            np.add.at(count[row], guesses, 1)
    total = count.sum(axis=1)
    errors = (count * np.abs(leads[None, :] - leads[:, None])).sum(axis=1) / np.maximum(total, 1)
    return xr.Dataset(
        {
            "count": (("lead", "predicted_lead"), count, {"units": "1", "long_name": "guesses"}),
            "mean_error": (
                "lead",
                np.where(total > 0, errors, np.nan),
                {"units": "h", "long_name": "mean absolute error of the most likely lead"},
            ),
        },
        {
            "lead": ("lead", leads, {"units": "h", "long_name": "time between the two states"}),
            "predicted_lead": ("predicted_lead", leads, {"units": "h", "long_name": "most likely lead"}),
        },
        {
            "model": distance.name,
            "patches": cover.count,
            "accuracy": float(np.trace(count) / count.sum()),
            "accuracy_by_chance": 1.0 / leads.size,
        },
    )
