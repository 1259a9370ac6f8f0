"""How networks hold up on data unlike those they were trained on: distances that should grow with the lag, and downscaled fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.proper_scores import crps
from atmodist_core.evaluation.geometry import common_points
from atmodist_core.evaluation.lags.lag_confusion import lag_confusion
from atmodist_core.evaluation.lags.lag_curves import lag_curve
from atmodist_core.evaluation.scores import scores
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.inference.downscaler import Downscaler
from atmodist_core.models.applicability import draws_members


@dataclass(frozen=True)
class DistanceOnData:
    """A distance network on a series.

    ``accuracy`` is the share of lags that are predicted correctly, ``chance`` that of guesses; missing where patches do not fit or no two times
    lie a lag apart. ``growth`` is the rank correlation of mean distance and lag up to ``longest_h`` [h], 1 if the distance never falls, and
    ``plain_growth`` that of l2.
    """

    accuracy: float
    chance: float
    growth: float
    plain_growth: float
    longest_h: float


@dataclass(frozen=True)
class DownscalerOnData:
    """A downscaler on a few times, by field.

    ``error`` is the mean absolute error, of an ensemble the CRPS [units of the field]; ``power`` is the measure ``energy_ratio``.
    ``by_time`` has the same of each time alone, for the scatter.
    """

    error: dict[str, float]
    power: dict[str, float]
    by_time: tuple[DownscalerOnData, ...] = ()


def distance_on_data(
    distance: AtmoDist,
    fields: xr.Dataset,
    *,
    longest_h: float = 66.0,
    pairs_per_lag: int = 8,
    seed: int = 0,
) -> DistanceOnData:
    """Return how well a distance network predicts lags on a series, and whether its distance grows with them.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical, at three or more times.
    longest_h : float
        Longest lag [h].
    pairs_per_lag : int
        At most so many pairs of times for each lag.
    seed : int
        Of their draw.

    Raises
    ------
    UserError
        If there are not two lags to compare.
    """
    accuracy = chance = float("nan")
    try:
        found = lag_confusion(distance, fields, pairs_per_lag=pairs_per_lag, seed=seed)
        accuracy, chance = found.attrs["accuracy"], found.attrs["accuracy_by_chance"]
    except UserError:
        pass  # smaller than a patch, or other steps: said as missing
    names = list(distance.card.channels)
    curves = lag_curve(
        fields[names],
        {"AtmoDist": distance, "l2": "l2"},
        maximum_lag_h=longest_h,
        pairs_per_lag=pairs_per_lag,
        seed=seed,
    )
    if curves.sizes["lag"] < 2:
        raise UserError(f"Expected two or more lags up to {longest_h:g} h, found one; give more times.")
    learned, plain = (
        rank_correlation(curves["lag"].values, curves["mean"].sel(measure=m).values)
        for m in ("AtmoDist", "l2")
    )
    return DistanceOnData(accuracy, chance, learned, plain, float(curves["lag"].max()))


def rank_correlation(lags: np.ndarray, distances: np.ndarray) -> float:
    """Return Spearman's rank correlation of lags and distances, both of shape ``(lag,)``.

    Examples
    --------
    >>> rank_correlation(np.array([6.0, 12.0, 18.0]), np.array([1.0, 2.0, 2.5]))
    1.0
    """
    return round(float(spearmanr(lags, distances).statistic), 12)


def downscaler_on_data(
    downscaler: Downscaler, coarse: xr.Dataset, truth: xr.Dataset, *, members: int = 4, seed: int = 0
) -> DownscalerOnData:
    """Return error and small-scale power of a downscaler; an ensemble draws ``members`` with ``seed``.

    ``coarse`` and ``truth`` are canonical fields at the same times.
    """
    card = getattr(downscaler, "card", None)
    if card is not None and draws_members(card):
        drawn = downscaler(coarse, members=members, seed=seed)
    else:
        drawn = downscaler(coarse).expand_dims("member")
    drawn, true = common_points(drawn, truth)
    names = [str(name) for name in drawn.data_vars if name in true]
    drawn, true = drawn[names].load(), true[names].load()
    by_time = [
        _scored(drawn.isel(time=[time]), true.isel(time=[time]), downscaler.factor)
        for time in range(true.sizes["time"])
    ]
    return dataclasses.replace(_scored(drawn, true, downscaler.factor), by_time=tuple(by_time))


def _scored(drawn: xr.Dataset, true: xr.Dataset, factor: int) -> DownscalerOnData:
    """Error and power of members ``drawn`` at the points and times of ``true``."""
    error = crps(drawn, true) if drawn.sizes["member"] > 1 else None
    first = scores(drawn.isel(member=0), true, factor=factor, measures=("mae", "energy_ratio"))
    return DownscalerOnData(
        {
            name: float(first["mae"].sel(field=name) if error is None else error[name].mean())
            for name in map(str, true.data_vars)
        },
        {name: float(first["energy_ratio"].sel(field=name)) for name in map(str, true.data_vars)},
    )


def distance_table(found: Sequence[tuple[str, str, DistanceOnData | None]]) -> str:
    """Return a Markdown table of data, network and its results; None where there are none."""
    lines = [
        "| data | network | lag accuracy | over chance | growth of AtmoDist | growth of l2 | up to [h] |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for data, network, one in found:
        if one is None:
            lines.append(f"| {data} | {network} | – | – | – | – | – |")
            continue
        known = np.isfinite(one.accuracy)
        hits = (f"{one.accuracy:.2f}", f"{one.accuracy / one.chance:.1f}") if known else ("–", "–")
        rest = (f"{one.growth:.2f}", f"{one.plain_growth:.2f}", f"{one.longest_h:g}")
        lines.append(f"| {data} | {network} | {' | '.join((*hits, *rest))} |")
    return "\n".join(lines)


def downscaler_table(found: Sequence[tuple[str, str, DownscalerOnData | None]], reference: str) -> str:
    """Return a Markdown table of data, model and its results: power, and error less that of the reference in per cent.

    With several times, ``±`` gives the standard deviation over them.
    """
    lines = [
        f"| data | model | small-scale power, vorticity / divergence | error against {reference}, vorticity / divergence [%] |",
        "|---|---|---:|---:|",
    ]
    of_reference = {data: one for data, model, one in found if model == reference}
    for data, model, one in found:
        base = of_reference.get(data)
        if one is None or base is None:
            lines.append(f"| {data} | {model} | – | – |")
            continue
        power = " / ".join(
            f"{one.power[name]:.2f}" + _scatter([each.power[name] for each in one.by_time], ".2f")
            for name in one.power
        )
        pairs = list(zip(one.by_time, base.by_time, strict=True))
        error = " / ".join(
            f"{_excess(one, base, name):+.0f}" + _scatter([_excess(*pair, name) for pair in pairs], ".1f")
            for name in one.error
        )
        lines.append(f"| {data} | {model} | {power} | {error} |")
    return "\n".join(lines)


def _excess(one: DownscalerOnData, base: DownscalerOnData, name: str) -> float:
    """Error of a field less that of the reference, relative to it [%]."""
    return 100 * (one.error[name] / base.error[name] - 1)


def _scatter(values: Sequence[float], form: str) -> str:
    """Standard deviation of values of two or more times, as text; nothing of fewer."""
    return f" ± {np.std(values, ddof=1):{form}}" if len(values) > 1 else ""
