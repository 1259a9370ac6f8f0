"""The numbers of a scorecard: every model by every measure, and how much closer to the truth than a reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.city_verdicts import improved_to_degraded
from atmodist_core.evaluation.diagnostics.local_statistics import better_equal_worse
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.evaluation.results.scores import departure
from atmodist_core.figures.findings.comparison import Side, Verdict, side_of, verdict
from atmodist_core.figures.findings.measure_groups import CITY_PREFIX, GROUPS, group_of

REFERENCE, ROUNDING = "reference", "both exact to rounding"
"""States of a cell besides the values of :class:`~atmodist_core.figures.findings.comparison.Verdict`."""

SMALLEST_DEPARTURE = 1e-5
"""Departures of a plain number from zero below this are rounding errors of single precision."""

_NUMBERS = ("value", "low", "high", "improvement", "improvement_low", "improvement_high", "better", "worse")
_TEXTS = ("long_name", "units", "definition", "ideal", "section")


def scorecard_table(
    evaluation: xr.DataTree | Path | str,
    *,
    field: str = "vorticity",
    reference: str | None = None,
    models: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
) -> xr.Dataset:
    """Return the numbers of a scorecard over ``(model, measure)``.

    The improvement is one minus the model's departure from the ideal value over that of the reference: 1 is perfect, 0 as good as the
    reference, below 0 worse. The departure from 0 is the size of a value, from 1 the size of its logarithm. Measures without an ideal
    value are left out. Measures ``cities_1``, ``cities_2`` and so on (points along a side of the box at a city) have the
    improved-to-degraded ratio as their value; their improvement is the share of cities that are closer minus that of those farther.

    Whether a model is closer is decided by the 95 % interval of the difference of both departures in the same resampled days, which the
    evaluation holds for pairs with its own reference; for other pairs the intervals of the two departures must not overlap, which misses
    some differences.

    Parameters
    ----------
    evaluation : xarray.DataTree or path
        As :func:`~atmodist_core.evaluation.results.file.open_evaluation` returns it, or its file.
    field : str
        Of which field.
    reference : str, optional
        A model of the evaluation; the one it was made with by default.
    models, measures : sequence of str, optional
        Those to show; all by default.

    Returns
    -------
    xarray.Dataset
        ``value`` with its interval ``low`` to ``high``; ``improvement`` with the interval ``improvement_low`` to ``improvement_high``
        (missing for pairs without one); ``better`` and ``worse``, numbers of cities; ``state``, a value of
        :class:`~atmodist_core.figures.findings.comparison.Verdict`, ``"reference"`` or ``"both exact to rounding"``; ``sure``, whether the
        state is closer or further. Coordinates of the measures: ``long_name``, ``units``, ``definition``, ``ideal``, ``section``, ``group``.

    Raises
    ------
    UserError
        If a field, model or measure is not in the evaluation, or it has no scores.
    """
    tree = evaluation if isinstance(evaluation, xr.DataTree) else open_evaluation(evaluation)
    if "scores" not in tree.children:
        raise UserError(
            "Expected an evaluation with scores, found none in it; make it again with train/evaluate.py."
        )
    scores = tree["scores"].to_dataset()
    labels = [str(name) for name in scores["model"].values]
    _require("field", [field], [str(name) for name in scores["field"].values])
    _require("model", [*(models or ()), *([reference] if reference else ())], labels)
    stored = str(tree.attrs.get("reference", labels[0]))
    chosen = reference or (stored if stored in labels else labels[0])
    table = _scores_part(scores.sel(field=field), chosen, stored)
    at_cities = _cities_part(tree, field, labels, chosen)
    if at_cities is not None:
        table = xr.concat([table, at_cities], "measure")
    names = [str(name) for name in table["measure"].values]
    _require("measure", measures or (), names)
    groups = [group_of(name, str(of)) for name, of in zip(names, table["section"].values, strict=True)]
    table = table.assign_coords(group=("measure", groups))
    order = list(GROUPS)
    table = table.isel(measure=sorted(range(len(names)), key=lambda place: order.index(groups[place])))
    if measures is not None:
        table = table.sel(measure=list(measures))
    if models is not None:
        table = table.sel(model=list(models))
    sure = np.isin(table["state"].values, (Verdict.CLOSER.value, Verdict.FURTHER.value))
    return table.assign(sure=(("model", "measure"), sure))


def cell_text(cell: xr.Dataset, factor: float = 1.0) -> str:
    """Return the text of a cell in two or three digits, the value times ``factor``; numbers of cities as ``48:46``."""
    if np.isfinite(cell["better"]):
        return f"{int(cell['better'])}:{int(cell['worse'])}"
    value = float(cell["value"]) * factor
    if np.isnan(value) or (str(cell["ideal"].item()) == "more" and str(cell["state"].item()) == REFERENCE):
        return "–"
    if abs(value) < SMALLEST_DEPARTURE:
        return "0"
    return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def estimate_of(table: xr.Dataset, model: str, measure: str, name: str = "value") -> Estimate:
    """Return the value (or the improvement) of a cell with its interval."""
    one = table.sel(model=model, measure=measure)
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    return Estimate(float(one[name]), float(one[low]), float(one[high]))


def _require(axis: str, asked: Sequence[str], known: Sequence[str]) -> None:
    missing = [name for name in asked if name not in known]
    if missing:
        raise UserError(
            f"Expected a {axis} among {', '.join(known)}, found {missing[0]!r}; choose one of these."
        )


def _table(
    cells: dict[str, np.ndarray], state: np.ndarray, models: list[str], measures: dict[str, list[str]]
) -> xr.Dataset:
    axes = ("model", "measure")
    texts = {name: ("measure", measures[name]) for name in _TEXTS}
    return xr.Dataset(
        {**{name: (axes, cells[name]) for name in _NUMBERS}, "state": (axes, state)},
        {"model": models, "measure": measures["name"], **texts},
    )


def _scores_part(scores: xr.Dataset, chosen: str, stored: str) -> xr.Dataset:
    """Table of the measures with an ideal value, of one field."""
    scores = scores.isel(measure=np.flatnonzero(scores["ideal"].values != "none"))
    models = [str(name) for name in scores["model"].values]
    names = [str(name) for name in scores["measure"].values]
    values, low, high = (scores[end].transpose("model", "measure").values for end in ("value", "low", "high"))
    ideals = [str(ideal) for ideal in scores["ideal"].values]
    away = np.stack([departure(values[:, n], ideal) for n, ideal in enumerate(ideals)], axis=1)
    other = away[models.index(chosen)]
    with np.errstate(divide="ignore", invalid="ignore"):
        improvement = 1 - away / other
    cells = {"value": values, "low": low, "high": high, "improvement": improvement}
    cells |= {name: np.full(values.shape, np.nan) for name in _NUMBERS[4:]}
    state = np.full(values.shape, REFERENCE, dtype=object)
    for row, model in enumerate(models):
        for column, (measure, ideal) in enumerate(zip(names, ideals, strict=True)):
            if model == chosen:
                improvement[row, column] = 0.0
                continue
            plain = str(scores["units"].values[column]) == "1" and ideal == "zero"
            if plain and max(away[row, column], other[column]) < SMALLEST_DEPARTURE:
                state[row, column], improvement[row, column] = ROUNDING, 0.0
                continue
            paired = _paired(scores, measure, model, chosen, stored)
            both = [
                Estimate(values[n, column], low[n, column], high[n, column])
                for n in (row, models.index(chosen))
            ]
            state[row, column] = verdict(both[0], both[1], ideal, paired).value
            if paired is not None and 0 < other[column] < np.inf:
                cells["improvement_low"][row, column] = paired.low / other[column]
                cells["improvement_high"][row, column] = paired.high / other[column]
    texts = {name: [str(text) for text in scores[name].values] for name in _TEXTS}
    unit = str(scores["field_units"].item()) if "field_units" in scores.coords else "s-1"
    texts["units"] = [unit if text == "field" else text for text in texts["units"]]
    table = _table(cells, state, models, {"name": names, **texts})
    return table.assign_attrs(reference=chosen, field=str(scores["field"].item()))


def _paired(scores: xr.Dataset, measure: str, model: str, chosen: str, stored: str) -> Estimate | None:
    """Departure of the reference minus that of the model in the same resampled days; None where the evaluation does not hold it."""
    if "advantage" not in scores or stored not in (model, chosen):
        return None
    # The evaluation compares with its own reference; the other way round, the sign changes.
    sign = 1 if chosen == stored else -1
    of = scores.sel(measure=measure, model=model if chosen == stored else chosen)
    value, low, high = (sign * float(of[f"advantage{end}"]) for end in ("", "_low", "_high"))
    return Estimate(value, min(low, high), max(low, high))


def _cities_part(tree: xr.DataTree, field: str, models: list[str], chosen: str) -> xr.Dataset | None:
    """Table of the counts of cities, of one field; None without values at cities."""
    if "cities" not in tree.children:
        return None
    distances = tree["cities"].to_dataset()["wasserstein"].sel(field=field)
    boxes = [int(box) for box in distances["box"].values]
    verdicts = tree["verdicts"].to_dataset().sel(field=field) if "verdicts" in tree.children else None
    shape = (len(models), len(boxes))
    cells = {name: np.full(shape, np.nan) for name in _NUMBERS}
    state = np.full(shape, REFERENCE, dtype=object)
    for row, model in enumerate(models):
        for column, box in enumerate(boxes):
            if model == chosen:
                cells["value"][row, column], cells["improvement"][row, column] = 1.0, 0.0
                continue
            own, other = (distances.sel(model=name, box=box) for name in (model, chosen))
            sign = better_equal_worse(own.to_dataset(name=field), other.to_dataset(name=field))[field].values
            better, equal, worse = (int((sign == one).sum()) for one in (1, 0, -1))
            ratio = _ratio(
                verdicts, model, chosen, box, float(improved_to_degraded(np.array([better, equal, worse])))
            )
            cells["better"][row, column], cells["worse"][row, column] = better, worse
            cells["improvement"][row, column] = (better - worse) / max(1, better + equal + worse)
            for name, number in zip(
                ("value", "low", "high"), (ratio.value, ratio.low, ratio.high), strict=True
            ):
                cells[name][row, column] = number
            state[row, column] = {
                Side.ABOVE: Verdict.CLOSER,
                Side.BELOW: Verdict.FURTHER,
                Side.WITHIN: Verdict.UNDECIDED,
                Side.NO_INTERVAL: Verdict.NO_INTERVAL,
                Side.UNDEFINED: Verdict.UNDEFINED,
            }[side_of(ratio)].value
    count = distances.sizes["city"]
    definition = (
        f"Of {count} cities, those at which the Wasserstein-1 distance of the local values to the truth is smaller than that of the "
        "reference by more than 10 %, and those at which it is larger by as much. Interval: of their ratio."
    )
    texts = {
        "name": [f"{CITY_PREFIX}{box}" for box in boxes],
        "long_name": [f"cities closer : farther, {box} × {box} points" for box in boxes],
        **{"units": ["1"] * len(boxes), "ideal": ["more"] * len(boxes), "section": ["cities"] * len(boxes)},
        "definition": [definition] * len(boxes),
    }
    return _table(cells, state, models, texts)


def _ratio(verdicts: xr.Dataset | None, model: str, chosen: str, box: int, plain: float) -> Estimate:
    """Improved-to-degraded ratio with the interval of the evaluation, in either direction, where it has one."""
    if verdicts is not None and box in verdicts["box"].values:
        known = [str(name) for name in verdicts["candidate"].values]
        stored = str(verdicts.attrs.get("reference", ""))
        for own, other, turned in ((model, chosen, False), (chosen, model, True)):
            if own in known and (other == stored or (not stored and other not in known)):
                one = verdicts.sel(candidate=own, box=box)
                found = [float(one[f"improved_to_degraded{end}"]) for end in ("", "_low", "_high")]
                if turned:
                    with np.errstate(divide="ignore"):
                        value, high, low = (float(np.divide(1.0, number)) for number in found)
                    return Estimate(value, low, high)
                return Estimate(*found)
    return Estimate(plain, np.nan, np.nan)
