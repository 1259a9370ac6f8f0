"""The evaluation of similar times of a record, and its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Bootstrap, Estimate
from atmodist_core.evaluation.diagnostics.similar.agreement import (
    Search,
    best_rank,
    hours_between,
    label_shares,
    mean_estimate,
    nearest_is_near,
    neighbours_before_strangers,
    rank_of_neighbours,
)
from atmodist_core.evaluation.diagnostics.similar.compared_distances import (
    CONTROL,
    LEARNED,
    compared_distances,
    stream_function,
)
from atmodist_core.evaluation.diagnostics.similar.weather_labels import (
    BLOCKING,
    CYCLONE,
    POLEWARD_GRADIENT,
    TRUNCATION,
    sectors,
    weather_labels,
)
from atmodist_core.inference.similar.record import EmbeddedRecord

LAG_H, FAR_H, NEAR_H = 24.0, 120.0, 12.0
SEARCH, BOOTSTRAP = Search(), Bootstrap(block_days=5, replicates=300)
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Neighbours:
    """How well one distance finds neighbours in time."""

    near: Estimate  # share of times whose most similar one is within 12 h
    rank: Estimate  # mean rank of the times 24 h away
    before: Estimate  # share of these that are closer than all times more than 5 days away


@dataclass(frozen=True)
class Labelled:
    """How often times that are similar by one distance share a label."""

    similar: Estimate  # share among the similar times
    gain: Estimate  # less the share among all times
    behind: Estimate  # gain of AtmoDist less that of this distance


@dataclass(frozen=True)
class SimilarEvaluation:
    """Results by area and label, and by distance."""

    times: int
    step_hours: float
    model: str
    chance_near: float  # share of the other times within 12 h
    best_rank: float  # mean rank of the times 24 h away if distances grew with the lag; a daily cycle makes lower ranks possible
    neighbours: dict[str, dict[str, Neighbours]]
    usual: dict[str, float]  # share of all times with the label, where it is sought
    queries: dict[str, tuple[int, int]]  # labelled sectors and times, and days with any
    labelled: dict[str, dict[str, Labelled]]
    search: Search
    poleward_gradient: float


def evaluate_similar(
    fields: xr.Dataset,
    record: EmbeddedRecord,
    *,
    control: EmbeddedRecord | None = None,
    search: Search = SEARCH,
    bootstrap: Bootstrap = BOOTSTRAP,
    poleward_gradient: float = POLEWARD_GRADIENT,
    say: Callable[[str], None] = lambda _: None,
) -> SimilarEvaluation:
    """Evaluate AtmoDist, and distances of the fields beside it, as measures of similar weather.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical fields of the globe with times; they are held in memory.
    record : EmbeddedRecord
        Their activations.
    control : EmbeddedRecord, optional
        Their activations in the same network with random weights, as a further distance.
    search : Search
        How similar times are chosen where labels are compared.
    bootstrap : Bootstrap
        Of blocks of days, see :func:`~atmodist_core.evaluation.diagnostics.similar.agreement.label_shares`.
    poleward_gradient : float
        Of the index of blocking [m per degree].
    say : callable
        Is told what is being done.

    Returns
    -------
    SimilarEvaluation

    Raises
    ------
    UserError
        For a limited area, or activations of other times.
    """
    times = fields["time"].values.astype("datetime64[ns]")
    if not np.array_equal(times, record.times):
        raise UserError(
            f"Expected activations of the same {times.size} times as the fields, found {record.times.size}; embed these fields."
        )
    fields = fields[["vorticity", "divergence"]].load()
    records = {LEARNED: record} if control is None else {LEARNED: record, CONTROL: control}
    places = sectors()
    say("labels")
    labels = weather_labels(fields, places, poleward_gradient)
    stream = stream_function(fields, TRUNCATION)
    hours = hours_between(times)
    say("the whole area")
    whole = compared_distances(fields, stream, records, None)
    by_sector = []
    for number, place in enumerate(places):
        say(f"sector {number + 1} of {len(places)}")
        by_sector.append(compared_distances(fields, stream, records, place))
    neighbours = {
        "globe": {name: _neighbours([matrix], hours, times, bootstrap) for name, matrix in whole.items()},
        "sectors": {
            name: _neighbours([each[name] for each in by_sector], hours, times, bootstrap) for name in whole
        },
    }
    usual, queries, labelled = {}, {}, {}
    for label in (BLOCKING, CYCLONE):
        flags = labels[label].values
        shares = {}
        for name in whole:
            say(f"{label}, {name}")
            shares[name] = label_shares([each[name] for each in by_sector], times, flags, search, bootstrap)
        usual[label] = float(shares[LEARNED][0, 1])
        days = np.unique(times[flags.any(axis=1)].astype("datetime64[D]")).size
        queries[label] = int(flags.sum()), int(days)
        gains = {name: found[:, 0] - found[:, 1] for name, found in shares.items()}
        labelled[label] = {
            name: Labelled(
                Estimate.of(found[:, 0]), Estimate.of(gains[name]), Estimate.of(gains[LEARNED] - gains[name])
            )
            for name, found in shares.items()
        }
    steps = np.diff(times) / np.timedelta64(1, "h")
    near = ((hours <= NEAR_H) & (hours > 0)).sum(axis=1) / max(1, times.size - 1)
    return SimilarEvaluation(
        times.size,
        float(np.median(steps)),
        str(record.attributes["model"]),
        float(near.mean()),
        float(np.nanmean(best_rank(hours, LAG_H))),
        neighbours,
        usual,
        queries,
        labelled,
        search,
        poleward_gradient,
    )


def _neighbours(
    matrices: Sequence[Values], hours: Values, times: NDArray[np.datetime64], bootstrap: Bootstrap
) -> Neighbours:
    """Means over regions, of one matrix each."""

    def estimate(values: Callable[[Values], Values]) -> Estimate:
        return mean_estimate(np.stack([values(one) for one in matrices], axis=1), times, bootstrap)

    return Neighbours(
        estimate(lambda one: nearest_is_near(one, hours, NEAR_H)),
        estimate(lambda one: rank_of_neighbours(one, hours, LAG_H)),
        estimate(lambda one: neighbours_before_strangers(one, hours, LAG_H, FAR_H)),
    )


def similar_table(result: SimilarEvaluation) -> str:
    """Return the results as Markdown tables with their intervals."""
    parts = [
        f"{result.times} times, mostly {result.step_hours:g} h apart; {result.model}. In brackets: 95 % intervals of blocks of 5 days.",
        "| region | distance | most similar time within 12 h [%] | mean rank of times 24 h away | closer than all beyond 5 days [%] |",
        "|---|---|---|---|---|",
    ]
    for area, rows in result.neighbours.items():
        for name, one in rows.items():
            parts.append(
                f"| {area} | {name} | {_cell(one.near, 100)} | {_cell(one.rank)} | {_cell(one.before, 100)} |"
            )
    parts += [
        f"| | by chance; if distances grew with the lag | {100 * result.chance_near:.1f}; 100 | {(result.times) / 2:.0f}; {result.best_rank:.1f} | –; 100 |",
        "",
        "| weather of the query | distance | same weather among the similar [%] | gain over all times [points] | AtmoDist's gain less this one's [points] |",
        "|---|---|---|---|---|",
    ]
    for label, found in result.labelled.items():
        count, days = result.queries[label]
        if not count:
            parts.append(f"| {label} | no case | – | – | – |")
            continue
        for name, row in found.items():
            rival = "–" if name == LEARNED else _cell(row.behind, 100, sign=True)
            parts.append(
                f"| {label} | {name} | {_cell(row.similar, 100)} | {_cell(row.gain, 100, sign=True)} | {rival} |"
            )
        parts.append(
            f"| {label} | all times | {100 * result.usual[label]:.1f} | | {count} queries on {days} days |"
        )
    return "\n".join(parts)


def _cell(estimate: Estimate, factor: float = 1.0, *, sign: bool = False) -> str:
    form = "+.1f" if sign else ".1f"
    value, low, high = (format(factor * x, form) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]" if np.isfinite(estimate.low) else value
