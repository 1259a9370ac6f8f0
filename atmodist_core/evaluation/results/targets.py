"""The project's targets for GANs and for ensembles: each computed, and met or missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.city_verdicts import improved_to_degraded_estimate
from atmodist_core.evaluation.ensembles.member_statistics import PARTS
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult, verdict_signs
from atmodist_core.evaluation.results.tables import cell, number

BAND_TOLERANCE = 0.10
LOG_RATIO_OF_REFERENCE = 0.5
VALUE_TOLERANCE = 0.05
LONGEST_LAG_KM = 200.0
CITY_RATIOS = {1: 1.0, 3: 1.5, 9: 3.0}
"""Smallest improved-to-degraded ratio, by the side of the box."""

CRPS_OF_REFERENCE = 0.68
SPREAD_TOLERANCE = 0.10
RANK_TOLERANCE = 0.10
GREATEST_SPURIOUS_POWER = 0.01
SEMIVARIANCE_TOLERANCE = 0.05
POOLED_CITY_RATIO = 2.0
SINGLE_CITY_RATIO = 1.0

GREATEST_CONSTANT_PATTERN = 0.05
GREATEST_MODULATED_PATTERN = 0.10
GREATEST_LINE = 2.0
"""A model counts as free of a checkerboard when a constant pattern has at most 5 per cent of the truth's grid-scale
rms, a modulated one at most 10 per cent of its variance, and no line is twice as high as its surroundings. The
truth has about 0, 0.02 and 0.3; bicubic interpolation, whose kernel depends on the coarse grid, 0, 0.06 and 0;
the first generators of this project, whose dots were visible on the map, 0.7, 0.9 and 300."""


@dataclass(frozen=True)
class Target:
    """A target: met if the estimate of a field lies between ``low`` and ``high``, both included.

    If ``strict``, the upper limit itself misses the target.
    """

    text: str
    field: str
    estimate: Estimate
    low: float = -np.inf
    high: float = np.inf
    strict: bool = False

    def _within(self, value: float) -> bool:
        return self.low <= value <= self.high and not (self.strict and value == self.high)

    @property
    def met(self) -> bool | None:
        """Whether the value lies within the limits; None where it is missing."""
        return None if np.isnan(self.estimate.value) else self._within(self.estimate.value)

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
        """Met, missed or not measured, and whether the interval reaches the limit."""
        if self.met is None:
            return "not measured"
        word = "met" if self.met else "missed"
        if np.isnan(self.estimate.low):
            return f"{word} (no interval)"
        return word if self.certain else f"{word} (interval reaches the limit)"


def targets(result: EvaluationResult, candidate: str, reference: str) -> list[Target]:
    """Return every target of a model against a GAN trained with mean squared error: those of ensembles if it has members.

    The evaluation is of the whole globe.
    """
    members = next(each.members for each in result.prepared.models if each.label == candidate)
    of = _ensemble_targets if members else _targets_of
    return [line for field in result.fields for line in of(result, candidate, reference, field)]


def _targets_of(result: EvaluationResult, candidate: str, reference: str, field: str) -> Iterator[Target]:
    def own(name: str) -> Estimate:
        return result.estimate(name, candidate, field)

    text = "mean power ratio over the band within 10 % of 1"
    yield Target(text, field, own("band_power_ratio"), 1 - BAND_TOLERANCE, 1 + BAND_TOLERANCE)
    for name, text, limit in (
        ("band_log_ratio", f"mean abs. log ratio at most half of {reference}'s", LOG_RATIO_OF_REFERENCE),
        ("spurious_power", f"power above the truncation at most {reference}'s (ratio)", 1.0),
    ):
        yield Target(text, field, result.ratio_to(name, candidate, reference, field), high=limit)
    yield from _patterns(result, candidate, field)
    for lag in result.facts.lags_km:
        if lag <= LONGEST_LAG_KM:
            errors = [
                np.abs(result.replicates_of(f"semivariance_ratio_{lag:g}_km", model, field) - 1)
                for model in (candidate, reference)
            ]
            text = f"semivariance at {lag:g} km closer to the truth than {reference}'s (ratio of the errors)"
            with np.errstate(divide="ignore", invalid="ignore"):
                yield Target(text, field, Estimate.of(errors[0] / errors[1]), high=1.0, strict=True)
    yield from _values(result, candidate, field)
    if result.city_distances:
        counts = result.verdict_counts(candidate, reference)[:, result.fields.index(field)]
        for side, limit in CITY_RATIOS.items():
            ratio = improved_to_degraded_estimate(counts[:, result.boxes.index(side)])
            text = f"{side} x {side} at cities: improved-to-degraded ratio at least {limit:g}"
            yield Target(text, field, ratio, low=limit)


def _patterns(result: EvaluationResult, candidate: str, field: str) -> Iterator[Target]:
    for name, text, limit in (
        ("pattern_constant", "constant grid pattern", GREATEST_CONSTANT_PATTERN),
        ("pattern_modulated", "modulated grid pattern", GREATEST_MODULATED_PATTERN),
        ("zonal_line", "line at the grid's zonal wavenumbers", GREATEST_LINE),
        ("meridional_line", "line at the grid's meridional wavenumbers", GREATEST_LINE),
    ):
        yield Target(
            f"no checkerboard: {text} at most {limit:g}",
            field,
            result.estimate(name, candidate, field),
            high=limit,
        )


def _values(result: EvaluationResult, candidate: str, field: str) -> Iterator[Target]:
    for name, text in (
        ("kurtosis_ratio", "kurtosis"),
        ("quantile_0.1_ratio", "0.1 % quantile"),
        ("quantile_99.9_ratio", "99.9 % quantile"),
    ):
        limits = 1 - VALUE_TOLERANCE, 1 + VALUE_TOLERANCE
        yield Target(
            f"{text} within 5 % of the truth's", field, result.estimate(name, candidate, field), *limits
        )


def _ensemble_targets(
    result: EvaluationResult, candidate: str, reference: str, field: str
) -> Iterator[Target]:
    number, parts = result.fields.index(field), []
    if result.facts.band is not None:
        parts = [(part.start, part.stop - 1) for part in result.facts.band.parts()]
    crps, error = (
        result.replicates_of(name, label, field) for name, label in (("crps", candidate), ("mae", reference))
    )
    text = f"CRPS at most {CRPS_OF_REFERENCE:g} of {reference}'s mean absolute error"
    yield Target(text, field, Estimate.of(crps / error), high=CRPS_OF_REFERENCE)

    def within(text: str, values: np.ndarray, tolerance: float) -> Target:
        limits = 1 - tolerance, 1 + tolerance
        return Target(
            f"{text} within {tolerance:.0%} of 1".replace("%", " %"), field, Estimate.of(values), *limits
        )

    by_area = result.curves["spread_error_by_area", candidate][:, number]
    by_band = result.curves["spread_error_by_band", candidate][:, number]
    names = [*PARTS, *(f"degrees {first} to {last}" for first, last in parts)]
    for name, values in zip(names, [*by_area.T, *by_band.T], strict=True):
        yield within(f"spread over error, {name},", values, SPREAD_TOLERANCE)
    text = f"rank histogram within {RANK_TOLERANCE:.0%} of flat".replace("%", " %")
    yield Target(text, field, result.estimate("rank_deviation", candidate, field), high=RANK_TOLERANCE)
    for first, last in parts:
        values = result.replicates_of(f"power_ratio_{first}_{last}", candidate, field)
        yield within(f"power of a member, degrees {first} to {last},", values, BAND_TOLERANCE)
    text = "power above the truncation below 1 % of the band"
    spurious = result.estimate("spurious_power", candidate, field)
    yield Target(text, field, spurious, high=GREATEST_SPURIOUS_POWER, strict=True)
    yield from _values(result, candidate, field)
    for lag in result.facts.lags_km:
        values = result.replicates_of(f"semivariance_ratio_{lag:g}_km", candidate, field)
        yield within(f"semivariance of a member at {lag:g} km", values, SEMIVARIANCE_TOLERANCE)
    yield from _patterns(result, candidate, field)
    if not result.pooled:
        return
    pooled = verdict_signs(
        result.pooled[candidate][:, number, 0], result.city_distances[reference][:, number, 0]
    )
    single = verdict_signs(result.corrected[candidate][number, 0], result.corrected[reference][number, 0])
    for what, signs, limit in (
        ("all members pooled", pooled, POOLED_CITY_RATIO),
        ("one member, corrected for the size of the sample", single[None], SINGLE_CITY_RATIO),
    ):
        counts = np.stack([(signs == sign).sum(axis=-1) for sign in (1, 0, -1)], axis=-1)
        text = f"1 x 1 at cities, {what}: improved-to-degraded ratio at least {limit:g}"
        yield Target(text, field, improved_to_degraded_estimate(counts), low=limit)


def targets_table(result: EvaluationResult, candidate: str, reference: str) -> str:
    """Return the targets of one model as a Markdown table, and a line that counts them."""
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
