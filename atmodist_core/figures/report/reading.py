"""What a report reads: the groups of an evaluation, with names and estimates at hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.figures.method_styles import MethodStyle, distinct_method_styles

TRUTH = "truth"
GROUPS = {
    "spectra": "Spectra",
    "semivariogram": "Semivariogram",
    "values": "Distribution of values and quantiles",
    "extremes": "Extremes",
    "scores": "Scores",
    "series": "Scores over time",
    "maps": "Maps of the moments",
    "cities": "Local statistics at cities",
    "verdicts": "Where a candidate is better",
    "distance": "The distance network",
}
"""Groups of an evaluation and what is shown of each, in the order of the report."""

DRAWN_CITIES = 4
"""Cities whose densities are drawn, where none are named."""


@dataclass(frozen=True)
class Evaluation:
    """An evaluation, and what of it is reported.

    Parameters
    ----------
    tree : xarray.DataTree
    candidates : tuple of str
        Labels of the models that are read and compared with the reference.
    cities : tuple of str
        Names of the cities whose densities are drawn; chosen by the numbers where empty.
    """

    tree: xr.DataTree
    candidates: tuple[str, ...]
    cities: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, candidates: Sequence[str] = (), cities: Sequence[str] = ()) -> Evaluation:
        """Open a file and check what is asked for against it.

        Parameters
        ----------
        path : pathlib.Path
        candidates : sequence of str
            Labels of models; all but the reference where empty.
        cities : sequence of str
            Names of cities.

        Raises
        ------
        UserError
            For another file, a model or a city that it does not have, or the reference as a candidate.
        """
        tree = open_evaluation(path)
        labels = [str(entry["label"]) for entry in json.loads(tree.attrs.get("models", "[]"))]
        if not labels or not any(name in tree.children for name in GROUPS):
            raise UserError(
                f"Expected an evaluation of at least one model, found none in {path.name}; make it anew with "
                f"train/evaluate.py."
            )
        reference = str(tree.attrs.get("reference", "")) or None
        unknown = [label for label in candidates if label not in labels]
        if unknown:
            raise UserError(
                f"Expected --candidate among {', '.join(labels)}, found {unknown[0]!r}; choose among these."
            )
        if reference in candidates:
            raise UserError(
                f"Expected candidates other than the reference, found {reference!r}, with which the others are "
                f"compared; leave it out."
            )
        evaluation = cls(tree, tuple(candidates) or tuple(x for x in labels if x != reference), tuple(cities))
        known = evaluation.city_names
        missing = [city for city in cities if city not in known]
        if missing:
            raise UserError(
                f"Expected --cities among the {len(known)} of the evaluation, found {missing[0]!r}"
                + (f"; they begin with {', '.join(known[:5])}." if known else "; it has no cities.")
            )
        return evaluation

    @cached_property
    def models(self) -> list[dict[str, Any]]:
        """What is known of each model, in the order of the file."""
        return list(json.loads(self.tree.attrs["models"]))

    @cached_property
    def data(self) -> list[dict[str, Any]]:
        """What is known of each data set."""
        return list(json.loads(self.tree.attrs.get("data", "[]")))

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the models, without the truth."""
        return [str(entry["label"]) for entry in self.models]

    @cached_property
    def styles(self) -> dict[str, MethodStyle]:
        """How each model and the truth are drawn: no two alike."""
        return distinct_method_styles([*self.labels, TRUTH])

    @property
    def reference(self) -> str | None:
        """Label of the model that the candidates are compared with."""
        label = str(self.tree.attrs.get("reference", ""))
        return label if label in self.labels else None

    @cached_property
    def city_names(self) -> list[str]:
        """Every city, as named in the file."""
        for name in ("cities", "verdicts"):
            group = self.group(name)
            if group is not None and "city" in group.coords:
                return [str(city) for city in group["city"].values]
        return []

    @property
    def is_paired(self) -> bool:
        """Whether scores say how much closer each model is than the reference in the same resampled days."""
        scores = self.group("scores")
        return scores is not None and "advantage" in scores

    @property
    def missing(self) -> dict[str, str]:
        """Groups that the file does not have, with what they would show."""
        return {name: title for name, title in GROUPS.items() if self.group(name) is None}

    def group(self, name: str) -> xr.Dataset | None:
        """One group; None where it was not computed."""
        if name not in self.tree.children or not self.tree[name].data_vars:
            return None
        table = self.tree[name].to_dataset()
        if name == "verdicts" and "latitude" not in table.coords:
            # Where the cities lie is told once, beside their values.
            cities = self.group("cities")
            if cities is not None:
                here = cities.sel(city=table["city"].values)
                found = {key: ("city", here[key].values) for key in ("latitude", "longitude") if key in here}
                table = table.assign_coords(found)
        return table

    def name(self, label: str) -> str:
        """What a model is called in figures and sentences."""
        return self.styles[label].label if label in self.styles else label

    def number_of(self, attribute: str) -> int | None:
        """A whole number among the attributes; None where it is not stated."""
        value = self.tree.attrs.get(attribute)
        return None if value is None else int(value)


def methods_of(table: xr.Dataset | xr.DataArray, *, truth: bool = False) -> list[str]:
    """Labels along ``method``, with or without the truth."""
    return [str(name) for name in table["model"].values if truth or str(name) != TRUTH]


def fields_of(table: xr.Dataset | xr.DataArray) -> list[str]:
    """Names along ``field``."""
    return [str(name) for name in table["field"].values]


def field_units(table: xr.Dataset, field: str) -> str:
    """Units of one field."""
    if "field_units" in table.coords:
        return str(table["field_units"].sel(field=field).item())
    return "s-1"


def estimate(table: xr.Dataset, variable: str, **place: Any) -> Estimate:
    """One value of a group with its interval; an interval that the file does not have is missing.

    Parameters
    ----------
    table : xarray.Dataset
    variable : str
        Its interval is ``<variable>_low`` and ``<variable>_high``; for ``value`` also ``low`` and ``high``.
    **place
        Labels along dimensions.
    """
    prefix = "" if variable == "value" and "low" in table else f"{variable}_"

    def one(name: str) -> float:
        if name not in table:
            return float("nan")
        return float(table[name].sel({key: at for key, at in place.items() if key in table[name].dims}))

    low, high = one(f"{prefix}low"), one(f"{prefix}high")
    if np.isnan(low) or np.isnan(high):
        low = high = float("nan")
    return Estimate(one(variable), low, high)


def described(table: xr.Dataset, variable: str) -> str:
    """The definition that the file gives of a variable; nothing where it gives none."""
    return str(table[variable].attrs.get("definition", "")) if variable in table else ""


def advantages(
    evaluation: Evaluation, measure: str, field: str, labels: Sequence[str]
) -> dict[str, Estimate]:
    """How much closer to the right value models are than the reference, by label; none where it was not computed.

    Parameters
    ----------
    evaluation : Evaluation
    measure, field : str
        Of the scores.
    labels : sequence of str
        The models.
    """
    scores = evaluation.group("scores")
    if scores is None or "advantage" not in scores or measure not in scores["measure"].values:
        return {}
    return {
        label: estimate(scores, "advantage", measure=measure, model=label, field=field) for label in labels
    }
