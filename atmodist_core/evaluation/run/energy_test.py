"""Whether two sets of vectors come from one distribution: the energy distance, with a permutation test over blocks of days.

References
----------
Székely, G. J. and Rizzo, M. L., 2013: Energy statistics: A class of statistics based on distances. J. Stat. Plan. Inference 143,
1249-1272 (the distance, its permutation test and the share, there the coefficient of inhomogeneity).
Phipson, B. and Smyth, G. K., 2010: Permutation p-values should never be zero. Stat. Appl. Genet. Mol. Biol. 9, 39.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError

_LEAST_SPREAD = 1e-6
"""A component whose standard deviation is less than this share of its largest magnitude counts as constant."""


@dataclass(frozen=True)
class EnergyTest:
    """Result of :func:`energy_test`; everything is dimensionless.

    ``statistic`` is the squared energy distance of the standardised vectors. ``share`` is the statistic divided by twice the mean
    distance between the sets: 0 for equal distributions, at most 1; unlike the statistic it does not grow with the number
    of components. ``effect`` is the statistic less its mean over permutations, in their standard deviations. ``p_value`` is the
    share of permutations with a statistic at least as large; it is never below one over their number. ``exact`` says whether
    all ways to divide the blocks were tried.
    """

    statistic: float
    share: float
    effect: float
    p_value: float
    permutations: int
    exact: bool


def energy_test(
    reference: NDArray[np.float64],
    other: NDArray[np.float64],
    reference_blocks: NDArray[np.generic],
    other_blocks: NDArray[np.generic],
    *,
    permutations: int = 9999,
    seed: int = 0,
) -> EnergyTest:
    """Return whether two sets of vectors differ, by their energy distance and permutations of whole blocks.

    ``2 E|x - y| - E|x - x'| - E|y - y'|`` with all pairs, also of a vector and itself. Every component is first divided by its
    standard deviation over both sets together: were it that of the reference alone, the true division would be treated
    otherwise than the permuted ones, and equal sets would count as different too often. Times within a day are not independent, so a
    block is a whole day or, since weather lasts longer, several. Blocks that are too short make the p-value far too small: with
    single days, two runs of one climate count as different. So two runs of one climate should be compared beside it.

    Parameters
    ----------
    reference, other : numpy.ndarray
        Vectors, shape ``(time, component)``, with the same components.
    reference_blocks, other_blocks : numpy.ndarray
        The block of each time, shape ``(time,)``. Equal values of the two sets stay two blocks.
    permutations : int
        Random permutations, unless there are no more than so many ways to divide the blocks: then all are tried.
    seed : int
        Of the random permutations.

    Returns
    -------
    EnergyTest

    Raises
    ------
    UserError
        If components differ in number, values are missing, all are constant, or a set has fewer than two blocks.

    Notes
    -----
    Székely and Rizzo (2013).

    Examples
    --------
    >>> import numpy as np
    >>> values, days = np.arange(12.0)[:, None], np.arange(12)
    >>> apart = energy_test(values, values + 20.0, days, days)
    >>> bool(apart.p_value < 0.001), apart.exact, apart.permutations
    (True, False, 10000)
    """
    _check(reference, other, reference_blocks, other_blocks)
    both = np.concatenate([reference, other]).astype(np.float64)
    both -= both.mean(axis=0)
    spread = both.std(axis=0)
    varies = spread > _LEAST_SPREAD * np.abs(np.concatenate([reference, other])).max(axis=0)
    if not varies.any():
        raise UserError("Expected vectors that differ between times, found constant ones; give other states.")
    distances = _distances(both[:, varies] / spread[varies])
    of_reference, of_other = (
        np.unique(each, return_inverse=True)[1].ravel() for each in (reference_blocks, other_blocks)
    )
    first = int(of_reference.max()) + 1
    blocks = np.concatenate([of_reference, first + of_other])
    # Sums over pairs of blocks are all that a permutation needs.
    membership = np.equal.outer(np.arange(blocks.max() + 1), blocks).astype(np.float64)
    sums, counts = membership @ distances @ membership.T, membership.sum(axis=1)
    divisions, exact = _divisions(len(counts), first, permutations, np.random.default_rng(seed))
    found, between = _statistics(divisions, sums, counts)
    # A hair, so that the mirrored division of equal sets is not lost to rounding.
    p_value = float((found >= found[0] - 1e-9 * abs(found[0])).mean())
    scatter = float(found.std())
    effect = float(found[0] - found.mean()) / scatter if scatter > 0 else 0.0
    share = float(found[0] / (2 * between[0])) if between[0] > 0 else 0.0
    return EnergyTest(float(found[0]), share, effect, p_value, len(found), exact)


def _distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of all vectors ``(vector, component)``, shape ``(vector, vector)``."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(vectors, vectors), dtype=np.float64)


def _divisions(
    count: int, first: int, permutations: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], bool]:
    """Which blocks belong to the reference, one and zero, shape ``(division, block)``: the true division first, then others.

    All others where there are at most ``permutations`` divisions, else random ones.
    """
    true = np.zeros(count)
    true[:first] = 1.0
    if math.comb(count, first) <= permutations:
        # The first combination is that of the first blocks: the true one.
        chosen = np.array(list(combinations(range(count), first)))
        divisions = np.zeros((len(chosen), count))
        np.put_along_axis(divisions, chosen, 1.0, axis=1)
        return divisions, True
    shuffled = random.permuted(np.tile(true, (permutations, 1)), axis=1)
    return np.concatenate([true[None], shuffled]), False


def _statistics(
    divisions: NDArray[np.float64], sums: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared energy distance and mean distance between the parts, of each division ``(division, block)``."""
    rest = 1.0 - divisions
    in_first, in_rest = divisions @ counts, rest @ counts
    to_first, to_rest = divisions @ sums, rest @ sums
    between = (to_first * rest).sum(axis=1) / (in_first * in_rest)
    within_first = (to_first * divisions).sum(axis=1) / in_first**2
    within_rest = (to_rest * rest).sum(axis=1) / in_rest**2
    return 2 * between - within_first - within_rest, between


def _check(
    reference: NDArray[np.float64],
    other: NDArray[np.float64],
    reference_blocks: NDArray[np.generic],
    other_blocks: NDArray[np.generic],
) -> None:
    """Refuse sets that cannot be compared."""
    if reference.ndim != 2 or other.ndim != 2 or reference.shape[1] != other.shape[1]:
        raise UserError(
            f"Expected vectors of the same components, found shapes {reference.shape} and {other.shape}; take both from one"
            " grid and network."
        )
    if not (np.isfinite(reference).all() and np.isfinite(other).all()):
        raise UserError(
            "Expected vectors without gaps, found missing values; choose states without them, or fewer bands."
        )
    least = min(len(np.unique(each)) for each in (reference_blocks, other_blocks))
    if least < 2:
        raise UserError(
            f"Expected two or more blocks of days in both sets, found {least}; give a longer period or shorter blocks."
        )
