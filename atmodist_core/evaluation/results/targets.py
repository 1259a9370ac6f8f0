"""What the project set out to show, line by line: computed, met or missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.city_verdicts import improved_to_degraded_estimate, verdict_counts
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.tables import cell, number, ratio_to

BAND_TOLERANCE = 0.10
LOG_RATIO_OF_REFERENCE = 0.5
VALUE_TOLERANCE = 0.05
LONGEST_LAG_KM = 200.0
CITY_ODDS = {1: 1.0, 3: 1.5, 9: 3.0}
"""Least better over worse cities, by the side of the box."""

GREATEST_CONSTANT_PATTERN = 0.05
GREATEST_MODULATED_PATTERN = 0.10
GREATEST_LINE = 2.0
"""A model counts as free of a checkerboard when a constant pattern has at most 5 per cent of the truth's grid-scale
rms, a modulated one at most 10 per cent of its variance, and no line is twice as high as what surrounds it. The
truth has about 0, 0.02 and 0.3, and bicubic interpolation, whose kernel does know the coarse grid, 0, 0.06 and 0;
the first generators of this project, whose dots anybody saw on the map, 0.7, 0.9 and 300."""


@dataclass(frozen=True)
class Target:
    """One line of the table of targets.

    Parameters
    ----------
    text : str
        What is asked for.
    field : str
        Of which field.
    estimate : Estimate
        What was found.
    low, high : float
        Between which values it is met, both included.
    strict : bool
        The upper limit itself is not good enough.
    """

    text: str
    field: str
    estimate: Estimate
    low: float
    high: float
    strict: bool = False

    def _within(self, value: float) -> bool:
        return self.low <= value <= self.high and not (self.strict and value == self.high)

    @property
    def met(self) -> bool | None:
        """Whether the value lies within the limits; None where it is missing."""
        if np.isnan(self.estimate.value):
            return None
        return self._within(self.estimate.value)

    @property
    def certain(self) -> bool:
        """Whether the whole interval gives the same answer."""
        if np.isnan(self.estimate.low):
            return False
        if self.met:
            return self._within(self.estimate.low) and self._within(self.estimate.high)
        return self.estimate.high < self.low or self.estimate.low > self.high

    @property
    def verdict(self) -> str:
        """Met, missed or not measured, and whether the interval leaves a doubt."""
        if self.met is None:
            return "not measured"
        word = "met" if self.met else "missed"
        if np.isnan(self.estimate.low):
            return f"{word} (no interval)"
        return word if self.certain else f"{word} (interval reaches the limit)"


def targets(result: EvaluationResult, candidate: str, reference: str) -> list[Target]:
    """Return every target for one model against another.

    Parameters
    ----------
    result : EvaluationResult
        Of :func:`evaluation_result`, with both models.
    candidate : str
        Label of the model that is to show it, trained with AtmoDist.
    reference : str
        Label of the GAN with mean squared error.
    """
    lines: list[Target] = []
    for field in result.fields:
        own = _own(result, candidate, field)
        lines.append(
            Target(
                "mean power ratio over the band within 10 % of 1",
                field,
                own("band_power_ratio"),
                1 - BAND_TOLERANCE,
                1 + BAND_TOLERANCE,
            )
        )
        for name, text, limit in (
            ("band_log_ratio", f"mean abs. log ratio at most half of {reference}'s", LOG_RATIO_OF_REFERENCE),
            ("spurious_power", f"power above the truncation at most {reference}'s (ratio)", 1.0),
        ):
            lines.append(
                Target(text, field, ratio_to(result, name, candidate, reference, field), -np.inf, limit)
            )
        for name, text, limit in (
            ("pattern_constant", "constant grid pattern", GREATEST_CONSTANT_PATTERN),
            ("pattern_modulated", "modulated grid pattern", GREATEST_MODULATED_PATTERN),
            ("zonal_line", "line at the grid's zonal wavenumbers", GREATEST_LINE),
            ("meridional_line", "line at the grid's meridional wavenumbers", GREATEST_LINE),
        ):
            lines.append(
                Target(f"no checkerboard: {text} at most {limit:g}", field, own(name), -np.inf, limit)
            )
        lines += _semivariogram(result, candidate, reference, field)
        for name, text in (
            ("kurtosis_ratio", "kurtosis"),
            ("quantile_0.1_ratio", "0.1 % quantile"),
            ("quantile_99.9_ratio", "99.9 % quantile"),
        ):
            lines.append(
                Target(
                    f"{text} within 5 % of the truth's",
                    field,
                    own(name),
                    1 - VALUE_TOLERANCE,
                    1 + VALUE_TOLERANCE,
                )
            )
        lines += _cities(result, candidate, reference, field)
    return lines


def _own(result: EvaluationResult, model: str, field: str) -> Callable[[str], Estimate]:
    return lambda name: result.estimate(name, model, field)


def _semivariogram(result: EvaluationResult, candidate: str, reference: str, field: str) -> list[Target]:
    lines = []
    for measure in result.measures:
        if measure.table != "semivariogram" or float(measure.head.split()[0]) > LONGEST_LAG_KM:
            continue
        errors = [
            np.abs(result.replicates_of(measure.name, model, field) - 1) for model in (candidate, reference)
        ]
        text = f"semivariance at {measure.head} closer to the truth than {reference}'s (ratio of the errors)"
        with np.errstate(divide="ignore", invalid="ignore"):
            lines.append(Target(text, field, Estimate.of(errors[0] / errors[1]), -np.inf, 1.0, strict=True))
    return lines


def _cities(result: EvaluationResult, candidate: str, reference: str, field: str) -> list[Target]:
    if not result.city_distances:
        return []
    counts = verdict_counts(result.city_distances_of(candidate), result.city_distances_of(reference))[field]
    return [
        Target(
            f"{side} x {side} at cities: better over worse at least {limit:g}",
            field,
            improved_to_degraded_estimate(counts[:, result.boxes.index(side)]),
            limit,
            np.inf,
        )
        for side, limit in sorted(CITY_ODDS.items())
    ]


def targets_table(result: EvaluationResult, candidate: str, reference: str) -> str:
    """Targets of one model as a Markdown table, and a line that counts them."""
    lines = targets(result, candidate, reference)
    met = sum(bool(line.met) for line in lines)
    text = [
        f"{candidate} against {reference}: {met} of {len(lines)} targets met.",
        "",
        "| target | field | value [95 % interval] | limit | |",
        "|---|---|---|---|---|",
    ]
    for line in lines:
        bounds = [
            f"{word} {number(limit)}"
            for word, limit in (("at least", line.low), ("below" if line.strict else "at most", line.high))
            if np.isfinite(limit)
        ]
        text.append(
            f"| {line.text} | {line.field} | {cell(line.estimate)} | {', '.join(bounds)} | {line.verdict} |"
        )
    return "\n".join(text)
