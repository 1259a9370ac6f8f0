r"""Associated Legendre functions and their derivatives, packed by order.

Normalisation: :math:`2\pi\int_0^\pi (P_l^m)^2\sin\theta\,d\theta = 1`, no Condon-Shortley phase, so that
:math:`Y_l^m = P_l^m(\theta)\,e^{im\lambda}` is orthonormal on the unit sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RADIX_BITS = 512
"""Values are kept as mantissa * 2**(512 * exponent): sin(theta)**m underflows float64 at high order near the poles."""


def legendre_block(
    colatitudes: NDArray[np.float64], truncation: int, first_order: int, last_order: int
) -> NDArray[np.float64]:
    """Legendre functions of a range of orders, indexed by degree minus order.

    Parameters
    ----------
    colatitudes : ndarray, shape (k,)
        Colatitudes in radians, in [0, pi].
    truncation : int
        Highest degree L.
    first_order, last_order : int
        Orders ``first_order <= m < last_order``; all at least 0.

    Returns
    -------
    ndarray, shape (last_order - first_order, L + 1 - first_order, k)
        ``P[m - first_order, l - m, :]``, zero where l > L. Values below 2**-256 (1e-77) are zero.

    Notes
    -----
    Three-term recursion over the degree in float64 from the sectoral functions, whose logarithm is known; a
    separate exponent keeps the range. Source: Press et al., Numerical Recipes, section 6.7; extended exponent as in
    Fukushima (2012), J. Geodesy 86, 271-285.
    """
    orders = np.arange(first_order, last_order)
    degrees_count = truncation + 1 - first_order
    x, sine = np.cos(colatitudes), np.sin(colatitudes)
    out = np.zeros((len(orders), max(degrees_count, 0), len(colatitudes)))
    if degrees_count <= 0:
        return out
    steps = np.arange(1, last_order, dtype=np.float64)
    log_norm = np.concatenate([[0.0], np.cumsum(0.5 * np.log2((2.0 * steps + 1.0) / (2.0 * steps)))])
    with np.errstate(divide="ignore"):
        log_sine = np.log2(np.maximum(sine, 0.0))
    # At a pole log2(0) is -inf, and 0 * -inf is not a number: order zero has no sine factor.
    log_power = np.where(orders[:, None] == 0, 0.0, orders[:, None] * np.maximum(log_sine, -1e6)[None, :])
    log_start = log_norm[orders][:, None] + log_power - 0.5 * np.log2(4.0 * np.pi)
    exponent = np.minimum(np.floor((log_start + _RADIX_BITS / 2) / _RADIX_BITS), 0.0)
    current = np.exp2(log_start - _RADIX_BITS * exponent)
    before = np.zeros_like(current)
    scaled = bool((exponent < 0).any())
    m = orders.astype(np.float64)[:, None]
    shrink, limit = 2.0**-_RADIX_BITS, 2.0 ** (_RADIX_BITS // 2)
    for q in range(degrees_count):
        if q > 0:
            degree = m + q
            a = np.sqrt((4.0 * degree**2 - 1.0) / (degree**2 - m**2))
            b = np.sqrt(((degree - 1.0) ** 2 - m**2) / np.maximum(4.0 * (degree - 1.0) ** 2 - 1.0, 1.0))
            before *= b
            following = x * current
            following -= before
            following *= a
            before, current = current, following
        if scaled and q % 8 == 0:
            # Growth per step is below 2**7, so that looking every eighth step cannot overflow.
            large = (np.abs(current) > limit) & (exponent < 0)
            if large.any():
                current[large] *= shrink
                before[large] *= shrink
                exponent[large] += 1.0
                scaled = bool((exponent < 0).any())
        out[:, q] = np.where(exponent == 0, current, 0.0) if scaled else current
    for row, order in enumerate(orders):
        out[row, max(truncation + 1 - order, 0) :] = 0.0
    return out


def scalar_and_vector_block(
    colatitudes: NDArray[np.float64], truncation: int, first_order: int, last_order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Tables P, M and D of a range of orders, all indexed [m - first_order, l - m, k].

    :math:`M = m P_l^m/\sin\theta` and :math:`D = dP_l^m/d\theta`, both as sums of neighbouring orders, which holds at
    the poles as well and does not cancel near them.

    Parameters
    ----------
    colatitudes, truncation, first_order, last_order
        As for :func:`legendre_block`.

    Returns
    -------
    legendre, eastward, southward : ndarray
        P, M and D.
    """
    count, degrees_count = last_order - first_order, truncation + 1 - first_order
    lowest = max(first_order - 1, 0)
    wide = legendre_block(colatitudes, truncation, lowest, last_order + 1)
    width = wide.shape[-1]
    orders = np.arange(first_order, last_order)
    # Neighbouring orders on the same [m, l - m] index; two slots of padding catch l - m - 2 < 0 and l - m + 1.
    below = np.zeros((count, degrees_count + 1, width))  # P[m - 1, l] at q + 1
    above = np.zeros((count, degrees_count + 2, width))  # P[m + 1, l] at q - 1, stored two to the right
    for row, order in enumerate(orders):
        if order > 0:
            source = wide[order - 1 - lowest]
            used = min(source.shape[0], degrees_count + 1)
            below[row, :used] = source[:used]
        source = wide[order + 1 - lowest]
        used = min(source.shape[0], degrees_count)
        above[row, 2 : 2 + used] = source[:used]
    plain = wide[first_order - lowest : last_order - lowest, :degrees_count]
    m = orders.astype(np.float64)[:, None, None]
    degree = m + np.arange(degrees_count)[None, :, None]
    inside = degree <= truncation
    down = np.sqrt((degree + m) * (degree - m + 1.0))
    up = np.sqrt(np.maximum((degree - m) * (degree + m + 1.0), 0.0))
    lower_same = below[:, 1 : degrees_count + 1]
    upper_same = above[:, 1 : degrees_count + 1]
    southward = np.where(m == 0, -up * upper_same, 0.5 * (down * lower_same - up * upper_same)) * inside
    factor = 0.5 * np.sqrt((2.0 * degree + 1.0) / np.maximum(2.0 * degree - 1.0, 1.0))
    eastward = factor * (
        np.sqrt(np.maximum((degree - m) * (degree - m - 1.0), 0.0)) * above[:, :degrees_count]
        + np.sqrt((degree + m) * np.maximum(degree + m - 1.0, 0.0)) * below[:, :degrees_count]
    )
    eastward = np.where((m == 0) | ~inside, 0.0, eastward)
    return plain, eastward, southward
