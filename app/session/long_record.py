"""Results of an evaluation over a long record, which ships with the page: what the few displayed times cannot settle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import xarray as xr

from app.state.data_description import DataDescription
from atmodist_core.figures.findings.shown_evaluation import (
    ShownEvaluation,
    evaluation_file,
    evaluation_in,
    fitting_evaluations,
    shipped_evaluations,
)


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval; low and high are NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CityTotals:
    """At how many cities a model is closer to the truth than another, over the record."""

    better: int
    equal: int
    worse: int
    better_sure: int
    worse_sure: int
    ratio: Figure
    samples: int


class LongRecord:
    """One evaluation as ``atmodist evaluate`` wrote it."""

    def __init__(self, tree: xr.DataTree) -> None:
        self.tree = tree
        self._groups: dict[str, xr.Dataset] = {
            name: node.to_dataset() for name, node in tree.children.items()
        }
        self._attributes = tree.attrs

    @property
    def description(self) -> str:
        """What its measures over the globe rest on, in a few words."""
        return self._description("times")

    @property
    def city_description(self) -> str:
        """What its values at cities rest on, in a few words."""
        return self._description("city_times")

    def _description(self, times: str) -> str:
        data = json.loads(self._attributes["data"])
        spans = [f"{one['first_time'][:10]} to {one['last_time'][:10]}" for one in data]
        if any(one["simulated"] for one in data):
            member = f"{data[0]['member']}, " if len(data) == 1 and data[0].get("member") else ""
            kind = f"simulated weather, {member}"
        else:
            names = dict.fromkeys(one["label"].split("_")[0] for one in data)
            traits = data[0].get("traits")
            grid = f" at {traits['spacing_deg']:g} degrees" if traits else ""
            levels = ", ".join(dict.fromkeys(one["level"] for one in data if one.get("level")))
            kind = f"{', '.join(names)}{grid}{f', {levels}' if levels else ''}, "
        count, days = int(self._attributes[times]), int(self._attributes["days"])
        return f"{kind}{' and '.join(spans)}: {count} times of {days} days"

    @property
    def city_times(self) -> int:
        """Number of times of its values at cities."""
        return int(self._attributes["city_times"])

    @property
    def labels(self) -> list[str]:
        """Models that it has."""
        return [str(label) for label in self._groups["scores"]["model"].values]

    @property
    def fields(self) -> list[str]:
        """Fields that it has."""
        return [str(field) for field in self._groups["scores"]["field"].values]

    def fits(self, name: str, created: str) -> bool:
        """Whether it has a model, as it is there now: saved at that moment. Interpolations always fit."""
        for model in json.loads(self._attributes["models"]):
            if model["label"] == name and model["name"] == name:
                return not model.get("created") or model["created"] == created
        return False

    def score(self, measure: str, name: str, field: str) -> Figure | None:
        """A measure of a model; None if it is not there."""
        scores = self._groups["scores"]
        if measure not in scores["measure"].values or name not in self.labels:
            return None
        here = scores.sel({"measure": measure, "model": name, "field": field})
        return Figure(*(float(here[end]) for end in ("value", "low", "high")))

    def calibration(self, name: str, field: str) -> xr.Dataset | None:
        """Rank histogram and spread over error of an ensemble model; None if it was not evaluated as an ensemble."""
        found = self._groups.get("ensembles")
        if found is None or name not in found["model"].values or field not in found["field"].values:
            return None
        here = found.sel(model=name, field=field)
        return here if int(here["members"]) > 1 else None

    def band(self) -> tuple[int, int]:
        """First and last total wavenumber of the band that is evaluated."""
        return int(self._attributes["band_first"]), int(self._attributes["band_last"])

    def city_totals(self, candidate: str, baseline: str, field: str, box: int) -> CityTotals | None:
        """Totals over all cities; None for a pair or box that was not evaluated."""
        verdicts = self._groups.get("verdicts")
        if verdicts is None or verdicts.attrs.get("reference") != baseline:
            return None
        if candidate not in verdicts["candidate"].values or box not in verdicts["box"].values:
            return None
        here = verdicts.sel(candidate=candidate, field=field, box=box)
        counts = [int(here[name]) for name in ("better", "equal", "worse", "better_sure", "worse_sure")]
        ratio = Figure(
            *(
                float(here[name])
                for name in ("improved_to_degraded", "improved_to_degraded_low", "improved_to_degraded_high")
            )
        )
        samples = int(self._groups["cities"]["samples"].sel(box=box))
        return CityTotals(counts[0], counts[1], counts[2], counts[3], counts[4], ratio, samples)

    def lag_scores(self) -> dict[str, Figure | float] | None:
        """Accuracy, top-3, lag error [h] and loss of the distance network, with those of chance; None without them."""
        found = self._groups.get("distance")
        if found is None:
            return None
        scores: dict[str, Figure | float] = {}
        for name in ("accuracy", "top3", "lag_error", "loss"):
            scores[name] = Figure(*(float(found[f"{name}{end}"]) for end in ("", "_low", "_high")))
            scores[f"chance_{name}"] = float(found[f"chance_{name}"])
        return scores

    @property
    def network(self) -> str:
        """The distance network that was evaluated; empty without one."""
        found = self._groups.get("distance")
        return "" if found is None else str(found.attrs.get("network", ""))


@lru_cache(maxsize=16)
def _record(path: Path, _changed: int) -> LongRecord | None:
    tree = evaluation_in(path)
    return None if tree is None else LongRecord(tree)


def shown_evaluation(data: DataDescription | None = None) -> ShownEvaluation | None:
    """The evaluation of the data shown, or that of those which ship whose data are most alike; None where there is none."""
    if data is None:
        return evaluation_file()
    return evaluation_file(data.key, data.traits, simulated=data.simulated)


def long_record(data: DataDescription | None = None, *, nearest: bool = False) -> LongRecord | None:
    """The evaluation of data like those shown; None where there is none that can be read.

    With ``nearest`` also one of other data. Without a description of data it is the first one that ships.
    """
    found = shown_evaluation(data)
    return None if found is None or (found.differences and not nearest) else record_in(found.path)


def record_of_ensemble(name: str, data: DataDescription) -> LongRecord | None:
    """The evaluation of data like those shown that has the members of an ensemble; where none has, that of these data."""
    usual = long_record(data)
    others = [] if data.traits is None else fitting_evaluations(data.traits, simulated=data.simulated)
    for record in chain([usual], map(record_in, others)):  # opened only as far as needed
        if record is not None and record.calibration(name, record.fields[0]) is not None:
            return record
    return usual


def record_in(path: Path) -> LongRecord | None:
    """The evaluation in a file; None if it cannot be read."""
    return _record(path, path.stat().st_mtime_ns)


def record_of_model(name: str, created: str, data: DataDescription | None) -> LongRecord | None:
    """The evaluation that has a model, or a distance network: that of data like those shown if it does, else any that ships."""
    # Opened only as far as needed.
    records = chain([long_record(data)], map(record_in, shipped_evaluations()))
    fitting = (one for one in records if one is not None and (one.network == name or one.fits(name, created)))
    return next(fitting, None)
