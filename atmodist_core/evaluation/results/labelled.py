"""What all parts of a finished evaluation are made from, and how a number and its interval are labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import DayAxis, interval
from atmodist_core.evaluation.results.evaluation_result import REPLICATES_AT_ONCE, EvaluationResult
from atmodist_core.evaluation.results.file import TRUTH
from atmodist_core.evaluation.results.reader import DaySums, StatisticsReader
from atmodist_core.evaluation.results.result_measures import Means
from atmodist_core.evaluation.run.evaluation import PreparedEvaluation
from atmodist_core.evaluation.run.member_run import GLOBAL, EvaluatedModel


@dataclass(frozen=True)
class Finishing:
    """Stored statistics of an evaluation, with the replicates of one bootstrap.

    Parameters
    ----------
    prepared : PreparedEvaluation
        Models and data; its stores are complete.
    reader : StatisticsReader
        Reads them.
    axis : DayAxis
        Days of all members.
    counts : numpy.ndarray, shape ``(1 + replicates, day)``
        How often each day is drawn; the first row is the data themselves.
    judgement : EvaluationResult
        The measures per field.
    sums : dict of str to DaySums
        Statistics of the globe by label of the model; the truth's under "truth".
    """

    prepared: PreparedEvaluation
    reader: StatisticsReader
    axis: DayAxis
    counts: np.ndarray
    judgement: EvaluationResult
    sums: dict[str, DaySums]

    @property
    def labels(self) -> list[str]:
        """Models, in their order."""
        return self.judgement.models

    @property
    def methods(self) -> list[str]:
        """Models and, last, the truth."""
        return [*self.labels, TRUTH]

    @property
    def fields(self) -> list[str]:
        """The fields."""
        return self.judgement.fields

    @property
    def common_units(self) -> str:
        """Units of the fields where all have the same, else "units of the field"."""
        units = set(self.judgement.units)
        return units.pop() if len(units) == 1 else "units of the field"

    @property
    def field_coordinates(self) -> dict[str, object]:
        """Coordinates of the axis of fields."""
        return {"field": self.fields, "field_units": ("field", self.judgement.units)}

    def model(self, label: str) -> EvaluatedModel:
        """Return the model of a label."""
        return next(model for model in self.prepared.models if model.label == label)

    def replicates(self, of: Callable[[Means, Means], np.ndarray], label: str) -> np.ndarray:
        """A number from averages of a method's and of the truth's statistics, in all replicates; the data themselves first."""
        parts = []
        for start in range(0, len(self.counts), REPLICATES_AT_ONCE):
            some = self.counts[start : start + REPLICATES_AT_ONCE]
            parts.append(of(self.sums[label].means(some), self.sums[TRUTH].means(some)))
        return np.concatenate(parts)

    def of_models(self, of: Callable[[Means, Means], np.ndarray]) -> np.ndarray:
        """The same of all models, shape ``(1 + replicates, method, ...)``; missing for the truth, which is the last method."""
        parts = [self.replicates(of, label) for label in self.labels]
        return np.stack([*parts, np.full_like(parts[0], np.nan)], axis=1)

    def value(self, of: Callable[[Means, Means], np.ndarray], label: str) -> np.ndarray:
        """The same for the data themselves."""
        some = self.counts[:1]
        return of(self.sums[label].means(some), self.sums[TRUTH].means(some))[0]


def read_global_sums(reader: StatisticsReader, models: Sequence[EvaluatedModel]) -> dict[str, DaySums]:
    """Statistics of the globe of all models and of the truth."""
    sums = {model.label: reader.sums(model, GLOBAL) for model in models}
    return {**sums, TRUTH: reader.sums(None, GLOBAL)}


Variable = tuple[tuple[str, ...], np.ndarray, dict[str, str]]
"""Dimensions, values and attributes."""


def described(
    values: np.ndarray, dimensions: tuple[str, ...], units: str, long_name: str, definition: str
) -> Variable:
    """A variable with what every number of an evaluation is labelled with."""
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    return dimensions, values, {"units": units, "long_name": long_name, "definition": definition}


def with_interval(
    name: str,
    replicates: np.ndarray,
    dimensions: tuple[str, ...],
    units: str,
    long_name: str,
    definition: str,
) -> dict[str, Variable]:
    """A variable from replicates along the first axis, and the two of its interval.

    Parameters
    ----------
    replicates : numpy.ndarray, shape ``(1 + replicates, ...)``
        The data themselves first.
    """
    low, high = interval(replicates)
    found = {name: described(replicates[0], dimensions, units, long_name, definition)}
    for end, values, share in (("low", low, "2.5"), ("high", high, "97.5")):
        found[f"{name}_{end}"] = described(
            values,
            dimensions,
            units,
            f"{long_name}, {share} %",
            f"{share} % of the replicates of a bootstrap over blocks of days.",
        )
    return found


def dataset(variables: Mapping[str, object], coordinates: Mapping[str, object]) -> xr.Dataset:
    """A dataset of described variables."""
    return xr.Dataset(dict(variables), coords=dict(coordinates))
