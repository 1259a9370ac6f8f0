"""Learning rates over a run: plain functions of the step, and the one schedule that needs a memory."""

import math
from dataclasses import dataclass
from typing import Any


def one_cycle(
    step: int,
    total: int,
    highest: float,
    *,
    warmup_fraction: float = 0.2,
    start_divisor: float = 25.0,
    end_divisor: float = 1e4,
) -> float:
    """One-cycle rate: half a cosine up, half a cosine down (Smith & Topin, 2018).

    It rises over ``warmup_fraction`` of the steps from ``highest / start_divisor`` and ends at ``highest /
    end_divisor``.

    Examples
    --------
    >>> [round(one_cycle(step, 11, 1.0), 3) for step in (0, 2, 10)]
    [0.04, 1.0, 0.0]
    """
    top = max(1, round(warmup_fraction * (total - 1)))
    if step < top:
        return _half_cosine(highest / start_divisor, highest, step / top)
    return _half_cosine(highest, highest / end_divisor, (step - top) / max(1, total - 1 - top))


def falling_cosine(step: int, total: int, highest: float, lowest: float) -> float:
    """Half a cosine down over all steps.

    Examples
    --------
    >>> [falling_cosine(step, 3, 1.0, 0.0) for step in range(3)]
    [1.0, 0.5, 0.0]
    """
    share = 0.5 + 0.5 * math.cos(math.pi * step / max(1, total - 1))
    return lowest + share * (highest - lowest)


def _half_cosine(first: float, last: float, fraction: float) -> float:
    return last + 0.5 * (first - last) * (1.0 + math.cos(math.pi * min(fraction, 1.0)))


@dataclass
class ReduceOnPlateau:
    """Lower the rate when the held-out loss stops falling, as Keras' callback of that name does."""

    rate: float
    factor: float = 0.1  # what the rate is multiplied by
    patience: int = 8  # epochs without a better loss before that
    minimum: float = 1e-5  # the rate never goes below
    tolerance: float = 1e-4  # a loss must fall by more to count as better
    best: float = math.inf
    waited: int = 0

    def update(self, loss: float) -> float:
        """Take in the loss of an epoch; return the new rate."""
        if loss < self.best - self.tolerance:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
            if self.waited >= self.patience:
                self.rate, self.waited = max(self.rate * self.factor, self.minimum), 0
        return self.rate

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep; an infinite best loss (none yet) is stored as None for JSON's sake."""
        return {
            "rate": self.rate,
            "best": None if math.isinf(self.best) else self.best,
            "waited": self.waited,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from the result of :meth:`state`."""
        self.rate, self.waited = float(state["rate"]), int(state["waited"])
        self.best = math.inf if state["best"] is None else float(state["best"])
