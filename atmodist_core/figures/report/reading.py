"""Read the groups, names and estimates of an evaluation for a report."""

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
"""Groups of an evaluation and the titles of their sections, in order."""

DRAWN_CITIES = 4
"""Number of cities whose densities are drawn by default."""


@dataclass(frozen=True)
class Evaluation:
    """An evaluation, the labels of the candidates, and the cities whose densities are drawn.

    Without cities, they are selected by their scores.
    """

    tree: xr.DataTree
    candidates: tuple[str, ...]
    cities: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, candidates: Sequence[str] = (), cities: Sequence[str] = ()) -> Evaluation:
        """Open a file and check the selection; without candidates, all models except the reference.

        Raises ``UserError`` for a file of another kind, an unknown model or city, or the reference as a candidate.
        """
        tree = open_evaluation(path)
        labels = [str(entry["label"]) for entry in json.loads(tree.attrs.get("models", "[]"))]
        if not labels or not any(name in tree.children for name in GROUPS):
            raise UserError(
                f"Expected an evaluation of at least one model, found none in {path.name}; create it again with "
                f"train/evaluate.py."
            )
        reference = str(tree.attrs.get("reference", "")) or None
        unknown = [label for label in candidates if label not in labels]
        if unknown:
            raise UserError(
                f"Expected --candidate among {', '.join(labels)}, found {unknown[0]!r}; use these labels."
            )
        if reference in candidates:
            raise UserError(
                f"Expected candidates other than the reference, found {reference!r} itself; remove it."
            )
        evaluation = cls(tree, tuple(candidates) or tuple(x for x in labels if x != reference), tuple(cities))
        known = evaluation.city_names
        missing = [city for city in cities if city not in known]
        if missing:
            raise UserError(
                f"Expected --cities among the {len(known)} of the evaluation, found {missing[0]!r}"
                + (f"; the first are {', '.join(known[:5])}." if known else "; it has no cities.")
            )
        return evaluation

    @cached_property
    def models(self) -> list[dict[str, Any]]:
        """Metadata of each model, in the order of the file."""
        return list(json.loads(self.tree.attrs["models"]))

    @cached_property
    def data(self) -> list[dict[str, Any]]:
        """Metadata of each data set."""
        return list(json.loads(self.tree.attrs.get("data", "[]")))

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the models, without the truth."""
        return [str(entry["label"]) for entry in self.models]

    @cached_property
    def styles(self) -> dict[str, MethodStyle]:
        """Distinct styles of the models and the truth."""
        return distinct_method_styles([*self.labels, TRUTH])

    @property
    def reference(self) -> str | None:
        """Label of the model that the candidates are compared with."""
        label = str(self.tree.attrs.get("reference", ""))
        return label if label in self.labels else None

    @cached_property
    def city_names(self) -> list[str]:
        """Names of all cities."""
        for name in ("cities", "verdicts"):
            group = self.group(name)
            if group is not None and "city" in group.coords:
                return [str(city) for city in group["city"].values]
        return []

    @property
    def is_paired(self) -> bool:
        """Whether scores contain the advantage of models over the reference in the same resampled days."""
        scores = self.group("scores")
        return scores is not None and "advantage" in scores

    @property
    def missing(self) -> dict[str, str]:
        """Titles of the groups that the file does not have."""
        return {name: title for name, title in GROUPS.items() if self.group(name) is None}

    def group(self, name: str) -> xr.Dataset | None:
        """Return a group, or None if it was not computed."""
        if name not in self.tree.children or not self.tree[name].data_vars:
            return None
        table = self.tree[name].to_dataset()
        if name == "verdicts" and "latitude" not in table.coords:
            # Coordinates are stored once, in the group of city values.
            cities = self.group("cities")
            if cities is not None:
                here = cities.sel(city=table["city"].values)
                found = {key: ("city", here[key].values) for key in ("latitude", "longitude") if key in here}
                table = table.assign_coords(found)
        return table

    def name(self, label: str) -> str:
        """Return the name of a model in figures and sentences."""
        return self.styles[label].label if label in self.styles else label

    def number_of(self, attribute: str) -> int | None:
        """Return an integer attribute, or None."""
        value = self.tree.attrs.get(attribute)
        return None if value is None else int(value)


def models_of(table: xr.Dataset | xr.DataArray, *, truth: bool = False) -> list[str]:
    """Return the labels along ``model``, with or without the truth."""
    return [str(name) for name in table["model"].values if truth or str(name) != TRUTH]


def fields_of(table: xr.Dataset | xr.DataArray) -> list[str]:
    """Return the names along ``field``."""
    return [str(name) for name in table["field"].values]


def field_units(table: xr.Dataset, field: str) -> str:
    """Return the units of a field."""
    if "field_units" in table.coords:
        return str(table["field_units"].sel(field=field).item())
    return "s-1"


def estimate(table: xr.Dataset, variable: str, **place: Any) -> Estimate:
    """Return one value of a group, at labels by dimension, with its interval (NaN if the file has none).

    The interval is ``<variable>_low`` and ``<variable>_high``, or ``low`` and ``high`` for ``value``.
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
    """Return the definition of a variable in the file, or an empty text."""
    return str(table[variable].attrs.get("definition", "")) if variable in table else ""


def advantages(
    evaluation: Evaluation, measure: str, field: str, labels: Sequence[str]
) -> dict[str, Estimate]:
    """Return the advantages of models over the reference by label; empty if not computed."""
    scores = evaluation.group("scores")
    if scores is None or "advantage" not in scores or measure not in scores["measure"].values:
        return {}
    return {
        label: estimate(scores, "advantage", measure=measure, model=label, field=field) for label in labels
    }
