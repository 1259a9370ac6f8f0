r"""Associated Legendre functions, and their derivatives as combinations of neighbouring orders.

Normalisation: :math:`2\pi\int_0^\pi (P_l^m)^2\sin\theta\,d\theta = 1`, no Condon-Shortley phase, so that
:math:`Y_l^m = P_l^m(\theta)\,e^{im\lambda}` is orthonormal on the unit sphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

_RADIX_BITS = 512
"""Values are mantissa * 2**(512 * exponent): near the poles, high powers of the sine underflow float64."""


def legendre_functions(
    colatitudes: NDArray[np.float64],
    truncation: int,
    first_order: int,
    last_order: int,
    *,
    dtype: DTypeLike = np.float64,
    tiny: float = 0.0,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Compute float64 Legendre functions of the orders ``first_order <= m < last_order``, split by parity of l - m.

    Order -1 is allowed: it is minus order 1. The result has the type ``dtype``; values below ``tiny`` become zero,
    and those below 2**-256 (1e-77) always.

    Returns
    -------
    even, odd : ndarray, shape (last_order - first_order, degrees, colatitudes)
        ``even[m - first_order, i]`` is degree ``m + 2 i``, ``odd[m - first_order, i]`` is ``m + 2 i + 1``;
        zero above the truncation. Together they hold ``L + 1 - first_order`` degrees.

    Notes
    -----
    Three-term recursion over the degree from the sectoral functions, whose logarithm is known (Press et al.,
    Numerical Recipes, section 6.7), with a separate exponent for the range (Fukushima, 2012, J. Geodesy 86).
    """
    degrees = truncation + 1 - first_order
    shape = (last_order - first_order, len(colatitudes))
    even = np.zeros((shape[0], (degrees + 1) // 2, shape[1]), dtype=dtype)
    odd = np.zeros((shape[0], degrees // 2, shape[1]), dtype=dtype)
    pair = (even, odd)
    orders = np.arange(max(first_order, 0), last_order)
    skipped = shape[0] - len(orders)
    m = orders.astype(np.float64)[:, None]
    x = np.cos(colatitudes)
    current, exponent = _sectoral(np.sin(colatitudes), orders)
    before, following, scratch = np.zeros_like(current), np.empty_like(current), np.empty_like(current)
    scaled = bool((exponent < 0).any())
    shrink, limit = 2.0**-_RADIX_BITS, 2.0 ** (_RADIX_BITS // 2)
    for step in range(truncation + 1 - int(orders[0]) if len(orders) else 0):
        if step > 0:
            # P_l = a_l (x P_(l-1) - b_l P_(l-2)), with l - m = step for all orders at once.
            degree = m + step
            a = np.sqrt((4.0 * degree**2 - 1.0) / (degree**2 - m**2))
            b = np.sqrt(((degree - 1.0) ** 2 - m**2) / np.maximum(4.0 * (degree - 1.0) ** 2 - 1.0, 1.0))
            np.multiply(x, current, out=following)
            np.multiply(b, before, out=scratch)
            np.subtract(following, scratch, out=following)
            np.multiply(a, following, out=following)
            before, current, following = current, following, before
        if scaled and step % 8 == 0:
            # A step multiplies by less than 2**7, so checking every eighth step cannot miss an overflow.
            large = (np.abs(current) > limit) & (exponent < 0)
            if large.any():
                current[large] *= shrink
                before[large] *= shrink
                exponent[large] += 1.0
                scaled = bool((exponent < 0).any())
        # Higher orders end at a smaller l - m: entries above the truncation stay zero.
        count = min(len(orders), truncation + 1 - int(orders[0]) - step)
        values = current[:count]
        if scaled:
            values = np.where(exponent[:count] == 0, values, 0.0)
        if tiny > 0.0:
            np.abs(values, out=scratch[:count])
            values = np.where(scratch[:count] < tiny, 0.0, values)
        pair[step % 2][skipped : skipped + count, step // 2] = values
    if skipped:
        # Degree l of order 1 is slot l - 1, of order -1 slot l + 1: the same parity, one further on.
        one = max(first_order, 0) + 2 * skipped
        for table in pair:
            table[0, 1:] = -table[one, : table.shape[1] - 1]
    return even, odd


def _sectoral(
    sine: NDArray[np.float64], orders: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Functions of degree = order as mantissa and exponent of 2**512."""
    steps = np.arange(1, max(int(orders.max(initial=0)), 0) + 1, dtype=np.float64)
    log_norm = np.concatenate([[0.0], np.cumsum(0.5 * np.log2((2.0 * steps + 1.0) / (2.0 * steps)))])
    # At a pole the logarithm is -inf, and 0 * -inf is NaN: a large negative number replaces it.
    with np.errstate(divide="ignore"):
        log_sine = np.maximum(np.log2(np.maximum(sine, 0.0)), -1e6)
    logarithm = (log_norm[orders] - 0.5 * np.log2(4.0 * np.pi))[:, None] + orders[:, None] * log_sine[None, :]
    exponent = np.minimum(np.floor((logarithm + _RADIX_BITS / 2) / _RADIX_BITS), 0.0)
    return np.exp2(logarithm - _RADIX_BITS * exponent), exponent


@dataclass(frozen=True)
class WindFactors:
    r"""Factors a, b, c, d (``across_lower`` to ``along_upper``) by (m, l - m) of neighbouring orders in

    .. math::
        dP_l^m/d\theta = a\,P_l^{m-1} + b\,P_l^{m+1}, \qquad
        m P_l^m/\sin\theta = c\,P_{l-1}^{m-1} + d\,P_{l-1}^{m+1},

    which also hold at the poles and involve no cancellation (Eshagh, 2008, Comput. Geosci. 34,
    1762-1768, here in orthonormal form). Zero above the truncation.
    """

    across_lower: NDArray[np.float64]
    across_upper: NDArray[np.float64]
    along_lower: NDArray[np.float64]
    along_upper: NDArray[np.float64]


def wind_factors(truncation: int, first_order: int, last_order: int) -> WindFactors:
    """Compute the :class:`WindFactors` of the orders ``first_order <= m < last_order``."""
    m = np.arange(first_order, last_order, dtype=np.float64)[:, None]
    degree = m + np.arange(truncation + 1 - first_order)
    inside = degree <= truncation
    half_ratio = 0.5 * np.sqrt((2.0 * degree + 1.0) / np.maximum(2.0 * degree - 1.0, 1.0))
    return WindFactors(
        across_lower=np.where(inside, 0.5 * np.sqrt((degree + m) * (degree - m + 1.0)), 0.0),
        across_upper=np.where(inside, -0.5 * np.sqrt((degree - m) * (degree + m + 1.0)), 0.0),
        along_lower=np.where(
            inside, half_ratio * np.sqrt((degree + m) * np.maximum(degree + m - 1.0, 0.0)), 0.0
        ),
        along_upper=np.where(
            inside, half_ratio * np.sqrt((degree - m) * np.maximum(degree - m - 1.0, 0.0)), 0.0
        ),
    )
