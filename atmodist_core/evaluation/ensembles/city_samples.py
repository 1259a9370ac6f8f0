"""How close to the truth a sample at a city could be: what an independent sample of the truth would reach.

A Wasserstein-1 distance of short records is never zero, and it rewards correlation: a blurred field shares the truth's
sampling error and looks closer than an independent draw from the true distribution. Two numbers tell the effects apart.

*Independent sample.* The truth's record is divided at random into two halves of whole blocks of days, many times. For
samples of n and m values from one distribution the distance falls as sqrt(1/n + 1/m), so the mean distance of the halves
(sqrt(4/n)) times sqrt(1 + 1/k) / 2 is what a sample of k records, independent of the truth and of each other, would
reach. Variations slower than the blocks are shared by both halves, as they would be by another member of the same dates.

*Corrected distance.* The squared distance less its bias, as the bootstrap estimates it: ``d^2 - (mean d*^2 - d^2)`` with
the distances d* of resampled days, of which model and truth have the same. It holds for samples that are independent of
the truth as well as for those that are not.
"""

from __future__ import annotations

import numpy as np

from atmodist_core.evaluation.bootstrap import Bootstrap

DIVISIONS = 50
"""Random divisions of a record into halves."""


def independent_wasserstein(
    truth: np.ndarray, boxes: np.ndarray, days: np.ndarray, bootstrap: Bootstrap
) -> np.ndarray:
    """Return the Wasserstein-1 distance that an independent record of the truth would have, ``(field, city, box)``.

    Values have shape ``(time, field, city, point)``, ``boxes`` has the side of the box of each point and ``days`` the day of each time. It is
    missing for fewer than two blocks of days.
    """
    sides = np.unique(boxes)
    block = days // bootstrap.block_days
    names = np.unique(block)
    result = np.full((*truth.shape[1:3], sides.size), np.nan)
    if names.size < 2:
        return result
    random = np.random.default_rng(bootstrap.seed)
    total = np.zeros(result.shape)
    for _ in range(DIVISIONS):
        first = np.isin(block, random.permutation(names)[: names.size // 2])
        halves = [np.flatnonzero(first), np.flatnonzero(~first)]
        size = min(map(len, halves))
        halves = [np.sort(random.permutation(half)[:size]) for half in halves]
        for number, side in enumerate(sides):
            inside = truth[..., boxes == side]
            values = [inside[half].transpose(1, 2, 0, 3).reshape(*truth.shape[1:3], -1) for half in halves]
            apart = np.abs(np.sort(values[0], axis=-1) - np.sort(values[1], axis=-1)).mean(axis=-1)
            # From halves of this size to two records of the whole size.
            total[..., number] += apart * np.sqrt(size / len(truth))
    return total / DIVISIONS


def of_pooled_records(distance: np.ndarray, records: int) -> np.ndarray:
    """Return the distance of several independent records together from that of a single one.

    Examples
    --------
    >>> float(of_pooled_records(np.array(1.0), 1)), float(of_pooled_records(np.array(1.0), 10**9).round(3))
    (1.0, 0.707)
    """
    return distance * np.sqrt((1 + 1 / records) / 2)


def corrected_distance(replicates: np.ndarray) -> np.ndarray:
    """Return distances without their bias from ``(1 + replicates, ...)``, the record's first; missing without replicates.

    The replicates are those of the bootstrap, before :func:`~atmodist_core.evaluation.bootstrap.remove_excess`.
    """
    if len(replicates) == 1:
        return np.full(replicates.shape[1:], np.nan)
    return np.sqrt(np.maximum(2 * replicates[0] ** 2 - np.square(replicates[1:]).mean(axis=0), 0))
