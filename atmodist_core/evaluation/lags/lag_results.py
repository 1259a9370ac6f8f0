"""What the pairs of a whole period say of a distance network: scores, confusion, lag curves and a map of the error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import DayAxis, interval
from atmodist_core.evaluation.lags.lag_predictors import predictions
from atmodist_core.inference.lag_probabilities import chance_scores, median_classes, ranked_classes

METRICS = {"atmodist": "atmodist", "l2": "l2", "l1": "l1", "1-ssim": "one_minus_ssim"}
"""Metrics of the lag curves, and the variables of :class:`~.lag_pairs.LagPairs` that hold them."""

BOX_DEGREES = (10.0, 20.0)
"""Height and width of the boxes of the map, in latitude and longitude."""

LEAST_PAIRS_IN_BOX = 10
"""With fewer pairs a box of the map stays empty."""

_SCORES = {
    "loss": ("nat", "cross-entropy loss", "Mean over pairs of -ln(predicted probability of the true lag)."),
    "accuracy": ("1", "accuracy", "Share of pairs whose most likely lag is the true one."),
    "top3": ("1", "top-3 accuracy", "Share of pairs whose true lag is among the three most likely ones."),
    "lag_error": (
        "h",
        "lag error",
        "Mean over pairs of the absolute difference of the median of the predicted distribution and the true lag.",
    ),
    "mode_lag_error": (
        "h",
        "lag error of the most likely lag",
        "Mean over pairs of the absolute difference of the most likely and the true lag.",
    ),
}
_CHANCE = {
    "loss": "Loss of an answer that gives every lag the same probability.",
    "accuracy": "Accuracy of a guess without looking, all lags being equally frequent.",
    "top3": "Top-3 accuracy of a guess without looking, all lags being equally frequent.",
    "lag_error": "Lag error of the best constant answer, the middle lag.",
    "mode_lag_error": "Lag error of the best constant answer, the middle lag.",
}
_OF_PREDICTORS = ("accuracy", "top3", "lag_error", "mode_lag_error")
SATURATED_SHARE = 0.9
_PLACE = "A pair counts where the centre of its patch lies; the patch itself reaches far beyond the box."


@dataclass
class _Sums:
    """Sums over the pairs of each day; the bootstrap needs no more."""

    days: int
    lags: int
    boxes: tuple[int, int]
    pairs: NDArray[np.float64] = field(init=False)
    scores: dict[str, NDArray[np.float64]] = field(init=False)
    of_lag: NDArray[np.float64] = field(init=False)
    metrics: dict[str, NDArray[np.float64]] = field(init=False)
    squares: dict[str, NDArray[np.float64]] = field(init=False)
    confusion: NDArray[np.int64] = field(init=False)
    box_pairs: NDArray[np.int64] = field(init=False)
    box_error: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.pairs = np.zeros(self.days)
        self.scores = {name: np.zeros(self.days) for name in _SCORES}
        self.of_lag = np.zeros((self.days, self.lags))
        self.metrics = {name: np.zeros((self.days, self.lags)) for name in METRICS}
        self.squares = {name: np.zeros(self.lags) for name in METRICS}
        self.confusion = np.zeros((self.lags, self.lags), dtype=np.int64)
        self.box_pairs = np.zeros(self.boxes, dtype=np.int64)
        self.box_error = np.zeros(self.boxes)


def lag_results(
    tables: Sequence[xr.Dataset],
    axis: DayAxis,
    counts: np.ndarray,
    lags: ArrayLike,
    *,
    network: str = "",
) -> xr.Dataset:
    """Finalise the pairs of a period.

    There is a table for every member of ``axis``, in its order: the variables of
    :class:`~atmodist_core.evaluation.lags.lag_pairs.LagPairs` over ``(time, pair)``; a pair belongs to the day of its
    earlier state. ``counts`` of :func:`~atmodist_core.evaluation.bootstrap.bootstrap_counts` give the intervals (NaN
    without replicates). ``lags`` [h] rise in equal steps. Raises ``UserError`` if there are no pairs at all, as many tables
    as members are not given, or lags are none of ``lags``.

    Returns
    -------
    xarray.Dataset
        Scalars ``loss`` [nat], ``accuracy``, ``top3``, ``lag_error``, ``mode_lag_error`` [h], with ``_low`` and ``_high``;
        the same with the prefix ``chance_``, constants without an interval; ``pairs``. ``confusion(lag, predicted_lag)``
        counts. ``curve_mean`` (with ``_low``, ``_high``), ``curve_std(metric, lag)`` and ``curve_scale(metric)``, NaN where
        a lag has no pairs; ``saturation(metric)`` [h] and ``saturation_ratio(metric)`` to that of l2;
        ``predictor_accuracy(predictor)`` and others of simple predictors, where there are pairs enough. ``lag_error_map``
        [h] and ``pairs_map(latitude, longitude)`` on boxes of 10 x 20 degrees, the error NaN where there are fewer than ten
        pairs. Everything has ``units``, ``long_name`` and ``definition``.
    """
    hours = np.asarray(lags, dtype=np.float64)
    if len(tables) != len(axis.days):
        raise UserError(
            f"Expected a table of pairs for each of {len(axis.days)} members, found {len(tables)}; give one, possibly "
            "empty, for each."
        )
    if not sum(table.sizes.get("time", 0) for table in tables):
        raise UserError(
            f"Expected pairs of states up to {hours[-1]:g} h apart, found none in the period; choose a longer or denser "
            "period."
        )
    sums = _Sums(axis.size, hours.size, (round(180 / BOX_DEGREES[0]), round(360 / BOX_DEGREES[1])))
    for member, table in enumerate(tables):
        if table.sizes.get("time", 0):
            _add(sums, table, axis.index(member, table["time"].values), hours)
    result = xr.Dataset(
        coords={
            "lag": ("lag", hours, {"units": "h", "long_name": "time between the two states"}),
            "predicted_lag": ("predicted_lag", hours, {"units": "h", "long_name": "most likely lag"}),
            "metric": ("metric", list(METRICS), {"long_name": "distance of two states"}),
            **_box_centres(),
        },
        attrs={"network": network},
    )
    _add_scores(result, sums, counts, hours)
    _add_curves(result, sums, counts, hours)
    _add_predictors(result, tables, axis, counts, hours)
    _add_map(result, sums)
    return result


def _add(sums: _Sums, table: xr.Dataset, days: NDArray[np.int64], hours: NDArray[np.float64]) -> None:
    """Add the pairs of a member."""
    pairs = table.sizes["pair"]
    columns = {
        str(name): np.asarray(values.transpose("time", "pair").values, dtype=np.float64).ravel()
        for name, values in table.data_vars.items()
    }
    day = np.repeat(days, pairs)
    lag, predicted = (_class_of(columns[name], hours) for name in ("lag", "predicted_lag"))
    error = np.abs(columns["median_lag"] - columns["lag"])
    outcomes = {
        "loss": columns["log_loss"],
        "accuracy": columns["true_rank"] == 0,
        "top3": columns["true_rank"] < 3,
        "lag_error": error,
        "mode_lag_error": np.abs(columns["predicted_lag"] - columns["lag"]),
    }
    sums.pairs += np.bincount(day, minlength=sums.days)
    for name, values in outcomes.items():
        sums.scores[name] += np.bincount(day, values, sums.days)
    place, shape = day * sums.lags + lag, (sums.days, sums.lags)
    sums.of_lag += np.bincount(place, minlength=sums.days * sums.lags).reshape(shape)
    for name, variable in METRICS.items():
        values = columns[variable]
        sums.metrics[name] += np.bincount(place, values, sums.days * sums.lags).reshape(shape)
        sums.squares[name] += np.bincount(lag, values**2, sums.lags)
    np.add.at(sums.confusion, (lag, predicted), 1)
    box = tuple(
        np.clip(distance // size, 0, count - 1).astype(np.int64)
        for distance, size, count in zip(
            (90.0 - columns["latitude"], columns["longitude"] % 360.0), BOX_DEGREES, sums.boxes, strict=True
        )
    )
    np.add.at(sums.box_pairs, box, 1)
    np.add.at(sums.box_error, box, error)


def _class_of(values: NDArray[np.float64], hours: NDArray[np.float64]) -> NDArray[np.int64]:
    found = np.abs(values[:, None] - hours).argmin(axis=1)
    off = np.abs(values - hours[found]) > 1e-3
    if off.any():
        raise UserError(
            f"Expected lags among {', '.join(f'{lag:g}' for lag in hours)} h, found {values[off][0]:g} h; give the "
            "lags of the network that classified the pairs."
        )
    return found


def _means(counts: np.ndarray, sums: NDArray[np.float64], number: NDArray[np.float64]) -> NDArray[np.float64]:
    """Averages over pairs in replicates, ``(replicate, ...)``, of sums and numbers ``(day, ...)``; NaN without pairs."""
    total = counts @ number
    return np.divide(counts @ sums, total, out=np.full(total.shape, np.nan), where=total > 0)


def _add_scores(result: xr.Dataset, sums: _Sums, counts: np.ndarray, hours: NDArray[np.float64]) -> None:
    step = float(hours[1] - hours[0]) if hours.size > 1 else float(hours[0])
    chance = {name.removesuffix("_hours"): value for name, value in chance_scores(hours.size, step).items()}
    for name, (units, long_name, definition) in _SCORES.items():
        replicates = _means(counts, sums.scores[name], sums.pairs)
        _put_with_interval(result, name, (), replicates, units, long_name, definition)
        chance_of = chance["lag_error" if name == "mode_lag_error" else name]
        _put(result, f"chance_{name}", (), chance_of, units, f"{long_name} by chance", _CHANCE[name])
    _put(
        result, "pairs", (), int(sums.pairs.sum()), "1", "pairs of patches",
        "Pairs of patches at one place, a known time apart, that all scores are made of.",
    )  # fmt: skip
    _put(
        result, "confusion", ("lag", "predicted_lag"), sums.confusion, "1", "number of guesses",
        "Number of pairs of a true lag (rows) whose most likely lag is that of the column.",
    )  # fmt: skip


def _add_curves(result: xr.Dataset, sums: _Sums, counts: np.ndarray, hours: NDArray[np.float64]) -> None:
    over = ("metric", "lag")
    replicates = np.stack(
        [_means(counts, sums.metrics[name], sums.of_lag) for name in METRICS], axis=1
    )  # (replicate, metric, lag)
    number = sums.of_lag.sum(axis=0)
    mean = replicates[0]
    power = np.stack([sums.squares[name] for name in METRICS])
    mean_power = np.divide(power, number, out=np.full(power.shape, np.nan), where=number > 0)
    _put_with_interval(
        result, "curve_mean", over, replicates, "1", "mean distance",
        "Mean distance of two patches over all pairs of a lag; l2, l1 and 1-ssim of fields divided by the standard "
        "deviation of the network's training data.",
    )  # fmt: skip
    _put(
        result, "curve_std", over, np.sqrt(np.maximum(mean_power - mean**2, 0.0)), "1",
        "standard deviation of the distance",
        "Standard deviation of the distance over all pairs of a lag: how distances vary, no error of the mean.",
    )  # fmt: skip
    _add_saturation(result, replicates, hours)
    last = mean[:, -max(1, mean.shape[1] // 4) :]
    known = np.isfinite(last)
    plateau = np.where(known, last, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    scale = np.divide(1.0, plateau, out=np.full(plateau.shape, np.nan), where=plateau > 0)
    _put(
        result, "curve_scale", ("metric",), scale, "1", "scale of the curve",
        "Factor by which the mean distance, averaged over the last quarter of the lags, becomes 1.",
    )  # fmt: skip


def _add_saturation(result: xr.Dataset, curves: NDArray[np.float64], hours: NDArray[np.float64]) -> None:
    """Put the lags at which the curves ``(replicate, metric, lag)`` saturate, and their ratios to that of l2."""
    if not np.isfinite(curves[0]).all():
        return
    plateau = curves[..., -max(1, hours.size // 4) :].mean(axis=-1, keepdims=True)
    found = np.where(
        np.isfinite(plateau[..., 0]), hours[np.argmax(curves >= SATURATED_SHARE * plateau, axis=-1)], np.nan
    )
    _put_with_interval(
        result, "saturation", ("metric",), found, "h", "lag of saturation",
        f"First lag at which the mean distance reaches {SATURATED_SHARE:.0%} of its mean over the last quarter of the lags.",
    )  # fmt: skip
    ratio = found / found[:, [list(METRICS).index("l2")]]
    _put_with_interval(
        result, "saturation_ratio", ("metric",), ratio, "1", "lag of saturation over that of l2",
        "Above 1 where the distance keeps growing for longer than the mean squared difference.",
    )  # fmt: skip


def _add_predictors(
    result: xr.Dataset,
    tables: Sequence[xr.Dataset],
    axis: DayAxis,
    counts: np.ndarray,
    hours: NDArray[np.float64],
) -> None:
    """Put the scores of simple predictors, and those of the network over the best of them."""
    some = [(member, table) for member, table in enumerate(tables) if table.sizes.get("time", 0)]
    labels = np.concatenate([_class_of(table["lag"].values.ravel(), hours) for _, table in some])
    predicted = predictions([table for _, table in some], labels, hours.size)
    if not predicted:
        return
    days = np.concatenate(
        [np.repeat(axis.index(member, table["time"].values), table.sizes["pair"]) for member, table in some]
    )
    number = np.bincount(days, minlength=axis.size).astype(np.float64)
    outcomes: dict[str, list[NDArray[np.float64]]] = {name: [] for name in _OF_PREDICTORS}
    for probabilities in predicted.values():
        ranked = ranked_classes(probabilities)
        values = {
            "accuracy": ranked[:, 0] == labels,
            "top3": (ranked[:, :3] == labels[:, None]).any(axis=1),
            "lag_error": np.abs(hours[median_classes(probabilities)] - hours[labels]),
            "mode_lag_error": np.abs(hours[ranked[:, 0]] - hours[labels]),
        }
        for name, value in values.items():
            sums = np.bincount(days, value, axis.size).astype(np.float64)
            outcomes[name].append(_means(counts, sums, number))
    result.coords["predictor"] = (
        "predictor",
        list(predicted),
        {"long_name": "predictor from plain differences"},
    )
    for name in _OF_PREDICTORS:
        units, long_name, definition = _SCORES[name]
        _put_with_interval(
            result, f"predictor_{name}", ("predictor",), np.stack(outcomes[name], axis=1), units,
            f"{long_name} of a predictor", f"{definition} Of predictors that see root-mean-square differences, fitted "
            "on the other spans of ten days.",
        )  # fmt: skip


def _add_map(result: xr.Dataset, sums: _Sums) -> None:
    over = ("latitude", "longitude")
    enough = sums.box_pairs >= LEAST_PAIRS_IN_BOX
    error = np.divide(sums.box_error, sums.box_pairs, out=np.full(sums.boxes, np.nan), where=enough)
    size = f"{BOX_DEGREES[0]:g} x {BOX_DEGREES[1]:g} degrees"
    _put(
        result, "lag_error_map", over, error, "h", "lag error by place",
        f"{_SCORES['lag_error'][2]} Over the pairs of a box of {size}. {_PLACE}",
    )  # fmt: skip
    _put(
        result, "pairs_map", over, sums.box_pairs, "1", "pairs by place",
        f"Number of pairs in a box of {size}; with fewer than {LEAST_PAIRS_IN_BOX} the map of the error has no value. "
        f"{_PLACE}",
    )  # fmt: skip


def _box_centres() -> dict[str, tuple[str, NDArray[np.floating], dict[str, str]]]:
    height, width = BOX_DEGREES
    long_name = "centre of the box"
    return {
        "latitude": (
            "latitude",
            90.0 - height * (np.arange(round(180 / height)) + 0.5),
            {"units": "degrees_north", "standard_name": "latitude", "long_name": long_name},
        ),
        "longitude": (
            "longitude",
            width * (np.arange(round(360 / width)) + 0.5),
            {"units": "degrees_east", "standard_name": "longitude", "long_name": long_name},
        ),
    }


def _put_with_interval(
    result: xr.Dataset,
    name: str,
    dimensions: tuple[str, ...],
    replicates: NDArray[np.float64],
    units: str,
    long_name: str,
    definition: str,
) -> None:
    """Put the value of the data, the first of ``(replicate, ...)``, and the ends of its interval."""
    ends = dict(zip(("low", "high"), interval(replicates), strict=True))
    _put(result, name, dimensions, replicates[0], units, long_name, definition)
    for end, share in (("low", "2.5"), ("high", "97.5")):
        _put(
            result, f"{name}_{end}", dimensions, ends[end], units, f"{long_name}, {end} end",
            f"{definition} {end.capitalize()} end of the 95 % interval of a block bootstrap over days ({share} % of the "
            "replicates).",
        )  # fmt: skip


def _put(
    result: xr.Dataset,
    name: str,
    dimensions: tuple[str, ...],
    values: ArrayLike,
    units: str,
    long_name: str,
    definition: str,
) -> None:
    result[name] = (
        dimensions,
        np.asarray(values),
        {"units": units, "long_name": long_name, "definition": definition},
    )
