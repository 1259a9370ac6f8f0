"""Wasserstein-1 distance of two samples: how far values must move, on average, to turn one into the other.

References
----------
Vallender, S. S., 1974: Calculation of the Wasserstein distance between probability distributions on the line.
Theory Probab. Appl. 18, 784-786.
"""

from __future__ import annotations

import numpy as np

from atmodist_core.common.errors import UserError


def wasserstein(
    a: np.ndarray,
    b: np.ndarray,
    axis: int | tuple[int, ...] | None = None,
    *,
    weights_a: np.ndarray | None = None,
    weights_b: np.ndarray | None = None,
) -> np.ndarray:
    """Wasserstein-1 distance of two samples of a number.

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
                f"infinite "
                "values; drop them first."
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
