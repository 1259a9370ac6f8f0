"""The verdict of an adaptation, from its scores."""

from dataclasses import dataclass

import numpy as np

from atmodist_core.training.adaptation.adaptation_scores import (
    LOWER,
    UPPER,
    ScoredModels,
    Scores,
    log_power_error,
)

HELPED, NOT_HELPED, TOO_LITTLE = "helped", "did not help", "too little data"

LEAST_SCORED = 8
"""With fewer scored times there is no verdict on the model."""
WORSE = 1.05
"""A claim of a model may become worse by this factor at most."""
_BETTER = 0.95
_PATTERN = 0.02
"""A modulated pattern that is stronger than the start's by more than this, and than what is reported, is a new one."""
_PATTERN_SEEN = 0.05
"""A stronger modulated pattern of the grid is reported, also where the start had it."""
_POWER_IS_RIGHT = 0.05
"""A log error of power below this cannot be told from none on a few days."""


@dataclass(frozen=True)
class Verdict:
    """What the adaptation of one model did.

    ``outcome`` is one of ``helped``, ``did not help``, ``too little data``; ``sentence`` says so with numbers; ``has_pattern``
    tells whether the fields show a pattern of the coarse grid that the start did not have.
    """

    outcome: str
    sentence: str
    has_pattern: bool


def verdict_of(role: str, scored: ScoredModels, adapted: str, start: str) -> Verdict:
    """Return the verdict on an adapted model against the one it started from; both are labels.

    It helped if what its kind claims became better by at least 5 % over all scored times and in both halves of them, and
    nothing of that became worse by more than 5 %: the log error of power for ``atmodist``, the CRPS or that error for
    ``ensemble``, the root mean square error or that error for ``mse``. Where the two halves disagree, or there are fewer than
    eight times, the data are too few.
    """
    parts = [getattr(scored, part) for part in ("all", "first", "second")]
    changes = [_changes(role, part[adapted], part[start]) for part in parts]
    improved = [min(change.values()) <= _BETTER and max(change.values()) <= WORSE for change in changes]
    own, other = scored.all[adapted], scored.all[start]
    numbers = _numbers(role, own, other, scored.times)
    seen, earlier = _pattern(own), _pattern(other)
    pattern = seen > max(_PATTERN_SEEN, earlier + _PATTERN)
    if scored.times < LEAST_SCORED:
        outcome, text = TOO_LITTLE, f"Too little data to tell whether the adaptation helped: {numbers}"
    elif all(improved):
        outcome, text = HELPED, f"The adaptation helped: {numbers}"
    elif improved[0]:
        outcome = TOO_LITTLE
        text = f"Too little data: the two halves of the scored times disagree on whether the adaptation helped; {numbers}"
    else:
        outcome, text = NOT_HELPED, f"The adaptation did not help: {numbers}"
    if seen > _PATTERN_SEEN:
        text += f" The fields show a pattern of the coarse grid (strength {seen:.2f}, before: {earlier:.2f})."
    else:
        text += " There is no pattern of the coarse grid."
    return Verdict(outcome, text, pattern)


def _changes(role: str, own: Scores, start: Scores) -> dict[str, float]:
    """Adapted over start, below 1 where it became better, of what a kind of model claims."""
    power = max(log_power_error(own), _POWER_IS_RIGHT) / max(log_power_error(start), _POWER_IS_RIGHT)
    if role == "atmodist":
        return {"power": power}
    other = "crps" if role == "ensemble" else "rmse"
    return {"power": min(power, 1.0) if role == "mse" else power, other: _ratio(own[other], start[other])}


def _numbers(role: str, own: Scores, start: Scores, times: int) -> str:
    def power(scores: Scores) -> str:
        return " and ".join(f"{np.mean(scores[half]):.2f}" for half in (LOWER, UPPER))

    sentence = (
        f"power of {power(own)} of the truth's in the lower and the upper half of the added scales (before: {power(start)}),"
        f" log error {log_power_error(own):.2f} instead of {log_power_error(start):.2f}, root mean square error"
        f" {_percent(own['rmse'], start['rmse'])}"
    )
    if role == "ensemble":
        sentence += f", CRPS {_percent(own['crps'], start['crps'])}"
    return f"{sentence}, over {times} times that no training saw."


def _ratio(own: list[float], other: list[float]) -> float:
    return float(np.mean(np.divide(own, other)))


def _percent(own: list[float], other: list[float]) -> str:
    change = 100 * (_ratio(own, other) - 1)
    return (
        "unchanged" if abs(change) < 0.5 else f"{abs(change):.0f} % {'larger' if change > 0 else 'smaller'}"
    )


def _pattern(scores: Scores) -> float:
    return max(scores.get("pattern_modulated", [0.0]))
