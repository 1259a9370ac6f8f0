"""How the distance of two states of the atmosphere grows with the time between them.

References
----------
Hoffmann, S. and Lessig, C., 2023: AtmoDist. Environ. Data Sci. 2, arXiv 2202.01897 (distance against time
lag with a band of one standard deviation, for AtmoDist, l1, l2, PSNR and SSIM).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.structural_similarity import WindowedField
from atmodist_core.evaluation.geometry import (
    area_weights,
    common_validity,
    field_values,
    horizontal_fields,
    time_values,
)
from atmodist_core.fields.grid.validity import Mask, largest_valid_rectangle

Matrix = np.ndarray
PairDistances = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Distances of times i and j given as two index arrays, shape ``(pairs,)``."""

MAXIMUM_LAG_H = 69.0
"""The longest lag of the pretext task with 23 classes, three hours each."""


def _mean_absolute(values: np.ndarray, weights: np.ndarray) -> PairDistances:
    """Area mean of the absolute difference, mean over fields."""
    flat = values.reshape(values.shape[0], -1)
    shares = np.tile(weights.ravel() / values.shape[1], values.shape[1])
    return _blockwise(lambda a, b: np.abs(flat[a] - flat[b]) @ shares)


def _mean_square(values: np.ndarray, weights: np.ndarray) -> PairDistances:
    """Area mean of the squared difference, mean over fields."""
    flat = (values * np.sqrt(weights / values.shape[1])).reshape(values.shape[0], -1)

    def distance(a: int, b: int) -> float:
        difference = flat[a] - flat[b]
        return difference @ difference

    return _blockwise(distance)


def _blockwise(distance: Callable[[int, int], float]) -> PairDistances:
    return lambda i, j: np.array([distance(a, b) for a, b in zip(i, j, strict=True)])


def _dissimilarity(values: np.ndarray, weights: np.ndarray) -> PairDistances:
    """One minus the structural similarity, mean over fields; the range of values is that of the whole series.

    Of the largest rectangle of points that have weight.
    """
    values = values[..., *largest_valid_rectangle(weights > 0)]
    windowed = [[WindowedField(field) for field in state] for state in values]
    ranges = [float(np.ptp(values[:, k])) for k in range(values.shape[1])]

    def distance(a: int, b: int) -> float:
        pairs = zip(windowed[a], windowed[b], ranges, strict=True)
        return float(1 - np.mean([x.similarity(y, r) for x, y, r in pairs]))

    return _blockwise(distance)


MEASURES_OF_STATES: dict[str, Callable[[np.ndarray, np.ndarray], PairDistances]] = {
    "l1": _mean_absolute,
    "l2": _mean_square,
    "1-ssim": _dissimilarity,
}
"""Distances of states by name, made from standardised fields ``(time, field, latitude, longitude)`` and weights of the
area mean ``(latitude, longitude)``."""

LONG_NAMES = {
    "l1": "area mean of the absolute difference of the standardised fields",
    "l2": "area mean of the squared difference of the standardised fields",
    "1-ssim": "one minus structural similarity",
}


def _of_learned(measure: Any, ds: xr.Dataset) -> PairDistances:
    matrix = np.asarray(measure.matrix(ds).values, dtype=np.float64)
    return lambda i, j: matrix[i, j]


def _named(measures: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(measures, Mapping):
        return dict(measures)
    return {measure if isinstance(measure, str) else "AtmoDist": measure for measure in measures}


def lag_curve(
    ds: xr.Dataset,
    measures: Sequence[Any] | Mapping[str, Any] = ("l1", "l2", "1-ssim"),
    *,
    maximum_lag_h: float = MAXIMUM_LAG_H,
    pairs_per_lag: int | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Return mean and standard deviation of distances of two states over the time between them.

    Parameters
    ----------
    ds : xarray.Dataset
        A region (or the globe) at several times. All its times are held in memory.
    measures : sequence or mapping
        Names among ``"l1"``, ``"l2"``, ``"1-ssim"``, AtmoDist objects (anything with ``matrix(ds)`` over time
        and time), or a mapping from a label of one's own to either. For the named ones every field is divided
        by its standard deviation over ``ds`` first, so that all fields count alike.
    maximum_lag_h : float
        Longest time between two states [h].
    pairs_per_lag : int, optional
        Draw at most so many pairs of times for each lag; all when left out.
    seed : int
        Seed of that draw.

    Returns
    -------
    xarray.Dataset
        ``mean`` and ``standard_deviation`` over ``(measure, lag)``, ``pairs`` over ``lag``; ``lag`` in
        hours. Where times are irregular, only the lags that occur are there.

    Raises
    ------
    UserError
        If there are fewer than two times, no pair within the longest lag, or an unknown measure.

    Notes
    -----
    The pairs of one series are not independent: the band shows how distances vary, and is no error of the
    mean.
    """
    named = _named(measures)
    for label, measure in named.items():
        if not (measure in MEASURES_OF_STATES if isinstance(measure, str) else hasattr(measure, "matrix")):
            raise UserError(
                f"Expected measures among {', '.join(MEASURES_OF_STATES)} or an AtmoDist, found "
                f"{label!r}; choose among these."
            )
    times = time_values(ds)
    if times.size < 2 or np.isnat(times).any():
        raise UserError(
            f"Expected at least two dated times for a lag curve, found {int((~np.isnat(times)).sum())}; "
            f"choose a longer period."
        )
    by_lag = pairs_by_lag(times, maximum_lag_h, pairs_per_lag, seed)
    if not by_lag:
        raise UserError(
            f"Expected times at most {maximum_lag_h:g} hours apart, found none; choose a denser period "
            f"or a longer lag."
        )
    loaded = ds.compute()
    standardised: np.ndarray | None = None
    means = np.empty((len(named), len(by_lag)))
    deviations = np.empty_like(means)
    valid = common_validity(loaded)
    for row, measure in enumerate(named.values()):
        if isinstance(measure, str):
            if standardised is None:
                standardised = _standardised(loaded, valid)
            between = MEASURES_OF_STATES[measure](standardised, area_weights(loaded, valid))
        else:
            between = _of_learned(measure, loaded)
        for column, (i, j) in enumerate(by_lag.values()):
            values = between(i, j)
            means[row, column], deviations[row, column] = values.mean(), values.std()
    long_names = [LONG_NAMES.get(m, m) if isinstance(m, str) else "AtmoDist distance" for m in named.values()]
    return xr.Dataset(
        {
            "mean": (("measure", "lag"), means, {"long_name": "mean distance", "units": "1"}),
            "standard_deviation": (
                ("measure", "lag"),
                deviations,
                {"long_name": "standard deviation of the distance over pairs", "units": "1"},
            ),
            "pairs": (
                "lag",
                [len(i) for i, _ in by_lag.values()],
                {"long_name": "pairs of times", "units": "1"},
            ),
        },
        coords={
            "measure": list(named),
            "measure_long_name": ("measure", long_names),
            "lag": ("lag", list(by_lag), {"long_name": "time between the two states", "units": "h"}),
        },
    )


def pairs_by_lag(
    times: np.ndarray, maximum_lag_h: float, pairs_per_lag: int | None = None, seed: int = 0
) -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """Return pairs of times by lag [h]: indices of the earlier and of the later times, lags rising.

    ``times`` are sorted. At most ``pairs_per_lag`` pairs for each lag are drawn with the seed.
    """
    seconds = (times - times[0]) / np.timedelta64(1, "s")
    earlier, later = np.triu_indices(times.size, k=1)
    difference = seconds[later] - seconds[earlier]
    near = difference <= 3600 * maximum_lag_h + 1e-3
    earlier, later, difference = earlier[near], later[near], difference[near]
    random = np.random.default_rng(seed)
    found = {}
    for lag in np.unique(difference):
        i, j = earlier[difference == lag], later[difference == lag]
        if pairs_per_lag is not None and i.size > pairs_per_lag:
            drawn = np.sort(random.choice(i.size, pairs_per_lag, replace=False))
            i, j = i[drawn], j[drawn]
        found[float(lag / 3600)] = (i, j)
    return found


def _standardised(ds: xr.Dataset, valid: Mask | None) -> np.ndarray:
    """Divide every field by its standard deviation over area and time; ``(time, field, latitude, longitude)``."""
    fields, weights = [], area_weights(ds, valid)
    for name in horizontal_fields(ds):
        values = field_values(ds, name, valid=valid)
        mean = (values * weights).sum(axis=(1, 2)).mean()
        deviation = np.sqrt((np.square(values - mean) * weights).sum(axis=(1, 2)).mean())
        if not deviation > 0:
            raise UserError(
                f"Expected fields that vary, found {name} constant; choose another region or period."
            )
        fields.append(values / deviation)
    return np.stack(fields, axis=1)


def scaled_together(curves: xr.Dataset, reference: str) -> xr.Dataset:
    """Bring all curves to the magnitude of one of them at long lags, to be drawn on one scale.

    Every curve d is multiplied by ``s = sum(d_k m_k) / sum(d_k^2)`` over the upper half of the lags, with m
    the reference.

    Parameters
    ----------
    curves : xarray.Dataset
        Result of :func:`lag_curve`.
    reference : str
        Label of the measure that stays as it is.

    Returns
    -------
    xarray.Dataset
        The same with ``mean`` and ``standard_deviation`` scaled, and the factors in ``scale(measure)``.

    Raises
    ------
    UserError
        If there is no measure of that name.
    """
    labels = [str(label) for label in curves["measure"].values]
    if reference not in labels:
        raise UserError(
            f"Expected a reference among {', '.join(labels)}, found {reference!r}; choose among these."
        )
    from atmodist_core.networks.losses.distance_scale import distance_scale

    target = curves["mean"].sel(measure=reference).values
    lags = curves["lag"].values
    factors = [distance_scale(curves["mean"].sel(measure=label).values, target, lags) for label in labels]
    scale = xr.DataArray(factors, dims="measure", coords={"measure": curves["measure"]})
    result = curves.copy()
    for name in ("mean", "standard_deviation"):
        attributes = curves[name].attrs
        result[name] = (curves[name] * scale).assign_attrs(attributes)
    result["scale"] = scale.assign_attrs(
        long_name=f"factor that scales the measure to {reference}", units="1"
    )
    return result
