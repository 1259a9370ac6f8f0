"""How well a distance network guesses the time between two states of a period: its confusion matrix."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.evaluation.geometry import time_values
from atmodist_core.evaluation.lags.lag_curves import pairs_by_lag
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.patches import PatchCover, with_surroundings
from atmodist_core.fields.grid.regions import Region
from atmodist_core.inference.atmodist import AtmoDist


def lag_confusion(
    distance: AtmoDist,
    fields: xr.Dataset,
    region: Region | None = None,
    *,
    pairs_per_lag: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> xr.Dataset:
    """Count which lag the network finds most likely for pairs of states whose lag is known.

    The region is covered with patches of the size the network was trained on; each patch is one guess, as in training.
    Every state is encoded once.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical, at several times, at least as large as a patch.
    region : Region, optional
        Part of the fields to cover with patches. Where it is smaller than a patch, patches reach into its real
        surroundings; all of the fields when left out.
    pairs_per_lag : int
        At most so many pairs of times for each lag, drawn with ``seed``.
    seed : int
        Of that draw.
    progress, cancel : callable, optional
        As for :class:`~atmodist_core.inference.downscaler.Downscaler`.

    Returns
    -------
    xarray.Dataset
        ``count`` over ``(lag, predicted_lag)`` [h]: lags without a pair have zeros. ``mean_error`` over ``lag``: the mean
        absolute difference of the most likely and the true lag [h]. Attribute ``accuracy``: share of right predictions, ``area``: what the patches cover.

    Raises
    ------
    UserError
        If the fields are smaller than a patch, or no two times lie a known lag apart.
    """
    size = distance.inference.network.classifier.config.patch_size
    if region is not None:
        fields = with_surroundings(fields, region, size)
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    lags = np.array(distance.inference.network.classifier.config.lags_hours, dtype=np.float64)
    domain = arrays.read_filled(0)[1]
    cover = PatchCover.of(arrays.latitude, arrays.longitude, size, domain)
    found = pairs_by_lag(time_values(fields), float(lags[-1]), pairs_per_lag, seed)
    pairs = {lag: found[lag] for lag in lags.tolist() if lag in found}
    if not pairs:
        raise UserError(
            f"Expected times that lie {lags[0]:g} to {lags[-1]:g} hours apart, found none in the period; choose another period or step."
        )
    needed = np.unique(np.concatenate([np.concatenate(pair) for pair in pairs.values()]))
    watch = ProgressWatch(distance.name, needed.size, progress, cancel)
    encoded = {}
    for time in needed.tolist():
        watch.before()
        encoded[time] = distance.inference.encode_patches(cover.cut(arrays.read(time, domain)))
        watch.done()
    count = np.zeros((lags.size, lags.size), dtype=np.int64)
    for row, lag in enumerate(lags.tolist()):
        for i, j in zip(*pairs.get(lag, ((), ())), strict=True):
            watch.before()
            guesses = distance.inference.classify(encoded[int(i)], encoded[int(j)]).argmax(axis=1)
            np.add.at(count[row], guesses, 1)
    total = count.sum(axis=1)
    errors = (count * np.abs(lags[None, :] - lags[:, None])).sum(axis=1) / np.maximum(total, 1)
    return xr.Dataset(
        {
            "count": (("lag", "predicted_lag"), count, {"units": "1", "long_name": "guesses"}),
            "mean_error": (
                "lag",
                np.where(total > 0, errors, np.nan),
                {"units": "h", "long_name": "mean absolute error of the most likely lag"},
            ),
        },
        {
            "lag": ("lag", lags, {"units": "h", "long_name": "time between the two states"}),
            "predicted_lag": ("predicted_lag", lags, {"units": "h", "long_name": "most likely lag"}),
        },
        {
            "model": distance.name,
            "patches": cover.count,
            "patch_size": size,
            "area": cover.area_text,
            "accuracy": float(np.trace(count) / count.sum()),
            "accuracy_by_chance": 1.0 / lags.size,
        },
    )
