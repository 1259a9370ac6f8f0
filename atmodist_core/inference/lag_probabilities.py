"""What is read off predicted probabilities of lags: their order, their median, and what a blind guess scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranked_classes(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Classes from the most likely to the least, shape ``(pairs, classes)``; of equals the shorter lag first.

    Examples
    --------
    >>> ranked_classes(np.array([[0.2, 0.5, 0.3]])).tolist()
    [[1, 2, 0]]
    """
    return np.argsort(-probabilities, axis=1, kind="stable")


def median_classes(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """First class at which half of the probability is reached, shape ``(pairs,)``.

    Examples
    --------
    >>> median_classes(np.array([[0.2, 0.2, 0.3, 0.3]])).tolist()
    [2]
    """
    half = 0.5 * probabilities.sum(axis=1, keepdims=True)
    return np.argmax(np.cumsum(probabilities, axis=1) >= half, axis=1)


def chance_scores(classes: int, lag_step_hours: float) -> dict[str, float]:
    """Scores of the best constant answer to ``classes`` equally frequent lags, ``lag_step_hours`` apart.

    They are ``loss`` [nat], ``accuracy``, ``top3`` and, for the middle lag, ``lag_error_hours`` [h].
    """
    lags = np.arange(classes)
    return {
        "loss": float(np.log(classes)),
        "accuracy": 1.0 / classes,
        "top3": min(1.0, 3.0 / classes),
        "lag_error_hours": float(np.abs(lags - np.median(lags)).mean() * lag_step_hours),
    }
