"""Wasserstein-1 distance of two samples: how far values must move, on average, to turn one into the other.

References
----------
Vallender, S. S., 1974: Calculation of the Wasserstein distance between probability distributions on the line.
Theory Probab. Appl. 18, 784-786.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from atmodist_core.common.errors import UserError

_VALUES_AT_ONCE = 128


def wasserstein(
    a: np.ndarray,
    b: np.ndarray,
    axis: int | tuple[int, ...] | None = None,
    *,
    weights_a: np.ndarray | None = None,
    weights_b: np.ndarray | None = None,
) -> np.ndarray:
    """Return the Wasserstein-1 distance of two samples.

    With the distribution functions F of ``a`` and G of ``b`` it is the area between them,
    ``integral |F(x) - G(x)| dx``, in the units of the values; for two samples of one size it is the mean
    absolute difference of the sorted values.

    Parameters
    ----------
    a, b : array
        The samples lie along ``axis``; there, their sizes may differ. All other axes must agree.
    axis : int or tuple of int, optional
        Axes that hold the sample; all of them when left out.
    weights_a, weights_b : array, optional
        Non-negative weights, of shape ``a.shape`` on the sample axes (in the order of ``axis``), the same for
        all samples; give both or neither.

    Returns
    -------
    numpy.ndarray
        Shape of ``a`` without ``axis``; the units of ``a``.

    Raises
    ------
    UserError
        If a sample is empty or has missing values, or if shapes do not fit.

    Examples
    --------
    >>> float(wasserstein([0.0, 1.0, 3.0], [5.0, 6.0, 8.0]))  # every value moves by 5
    5.0
    """
    first, kept = _samples_last(np.asarray(a), axis)
    second, kept_b = _samples_last(np.asarray(b), axis)
    if kept != kept_b:
        raise UserError(
            f"Expected two arrays that differ along the sample axis only, found shapes {np.shape(a)} and "
            f"{np.shape(b)}; select the same times and points."
        )
    if first.shape[-1] == 0 or second.shape[-1] == 0:
        raise UserError("Expected at least one value in each sample, found none; choose a longer period.")
    for sample in (first, second):
        if not np.isfinite(sample).all():
            raise UserError(
                f"Expected samples without gaps, found {int((~np.isfinite(sample)).sum())} missing or "
                f"infinite values; drop them first."
            )
    if (weights_a is None) != (weights_b is None):
        raise UserError("Expected weights for both samples or for neither, found one; give the other too.")
    if weights_a is None and first.shape[-1] == second.shape[-1]:
        distance = np.abs(np.sort(first, axis=-1) - np.sort(second, axis=-1)).mean(axis=-1)
    else:
        mass_a = _mass(weights_a, first.shape[-1])
        mass_b = _mass(weights_b, second.shape[-1])
        distance = np.array([_weighted(x, y, mass_a, mass_b) for x, y in zip(first, second, strict=True)])
    return distance.reshape(kept)


def resampled_wasserstein(
    first: np.ndarray, second: np.ndarray, days: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return the Wasserstein-1 distance of two samples in every replicate of a bootstrap over days.

    ``integral |F(x) - G(x)| dx``, where every value counts as often as its day is drawn. The distribution
    functions are steps at the values of both samples, so the integral is a sum over the sorted values, which is
    exact. A block of sorted values is taken at a time for all replicates together: memory does not grow with
    the samples.

    Samples have shape ``(time, point)``, ``days`` ``(time,)``, ``counts`` ``(replicate, day)``, the result
    ``(replicate,)``: larger than that of the record on average, see
    :func:`~atmodist_core.evaluation.bootstrap.remove_excess`, and missing where no value is drawn.
    """
    replicates, size = counts.shape
    values = np.concatenate([first.ravel(), second.ravel()])
    # Row of the table below of every value: the day in the first sample, or the day in the second.
    rows = np.concatenate([np.repeat(days, first.shape[1]), np.repeat(days + size, second.shape[1])])
    order = np.argsort(values)
    values, rows = values[order].astype(np.float64), rows[order]
    span = values[-1] - values[0]
    gaps = (np.append(np.diff(values), 0.0) / (span or 1.0)).astype(np.float32)
    # Whole numbers below 2^24 are exact in float32.
    table = np.ascontiguousarray(np.concatenate([counts.T, -counts.T]), dtype=np.float32)
    height = np.zeros((_VALUES_AT_ONCE + 1, replicates), np.float32)
    steps = list(pairwise(height))
    size_of_gap = np.empty((_VALUES_AT_ONCE, replicates), np.float32)
    area = np.zeros(replicates)
    for start in range(0, values.size, _VALUES_AT_ONCE):
        some = rows[start : start + _VALUES_AT_ONCE]
        length = some.size
        np.take(table, some, axis=0, out=height[1 : length + 1], mode="clip")
        # Running sum over the values; numpy.cumsum is slow along the first axis.
        for before, here in steps[:length]:
            np.add(before, here, out=here)
        np.abs(height[1 : length + 1], out=size_of_gap[:length])
        area += gaps[start : start + length] @ size_of_gap[:length]
        height[0] = height[length]
    drawn = counts @ np.bincount(days, minlength=size) * first.shape[1]
    return np.divide(area * span, drawn, out=np.full(replicates, np.nan), where=drawn > 0)


def histogram_wasserstein(first: np.ndarray, second: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the Wasserstein-1 distance of two distributions given as histograms, in the units of the edges.

    ``integral |F(x) - G(x)| dx`` with distribution functions that are straight lines inside each bin; the
    crossing of two such lines is taken into account. Weights of shape ``(..., bins)`` are divided by their sums.

    Examples
    --------
    >>> import numpy as np
    >>> float(histogram_wasserstein(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0])))
    1.0
    """
    difference = first / first.sum(axis=-1, keepdims=True) - second / second.sum(axis=-1, keepdims=True)
    right = np.cumsum(difference, axis=-1)
    left = right - difference
    same_side = left * right >= 0
    total = np.abs(left) + np.abs(right)
    # Two triangles where the lines cross, else a trapezium.
    crossing = np.divide(left**2 + right**2, 2 * total, out=np.zeros_like(total), where=total > 0)
    return (np.where(same_side, 0.5 * total, crossing) * np.diff(edges)).sum(axis=-1)


def _samples_last(
    values: np.ndarray, axis: int | tuple[int, ...] | None
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Sample axes flattened behind the others, as ``(others, sample)``, and the shape of the others."""
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    axes = tuple(range(values.ndim)) if axis is None else np.atleast_1d(axis)
    axes = tuple(int(i) % values.ndim for i in axes) if values.ndim else ()
    others = tuple(i for i in range(values.ndim) if i not in axes)
    kept = tuple(values.shape[i] for i in others)
    size = int(np.prod([values.shape[i] for i in axes])) if axes else 1
    return values.transpose(*others, *axes).reshape(int(np.prod(kept)), size), kept


def _mass(weights: np.ndarray | None, size: int) -> np.ndarray:
    if weights is None:
        return np.full(size, 1 / size)
    flat = np.asarray(weights, dtype=np.float64).ravel()
    if flat.size != size or (flat < 0).any() or not flat.sum() > 0:
        raise UserError(
            f"Expected {size} weights that are not negative and not all zero, found {flat.size} of sum "
            f"{flat.sum():g}."
        )
    return flat / flat.sum()


def _weighted(a: np.ndarray, b: np.ndarray, mass_a: np.ndarray, mass_b: np.ndarray) -> float:
    values = np.concatenate([a, b])
    order = np.argsort(values)
    values = values[order].astype(np.float64)
    difference = np.cumsum(np.concatenate([mass_a, -mass_b])[order])
    return float(np.abs(difference[:-1]) @ np.diff(values))
