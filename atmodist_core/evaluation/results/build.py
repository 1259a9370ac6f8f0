"""From complete stores to the file of a finished evaluation."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable
from typing import Any

import xarray as xr

import atmodist_core
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, bootstrap_counts
from atmodist_core.evaluation.period.lag_results import lag_results
from atmodist_core.evaluation.results.cities import (
    city_results,
    verdict_results,
)
from atmodist_core.evaluation.results.evaluation_result import evaluation_result
from atmodist_core.evaluation.results.file import EVALUATION_VERSION
from atmodist_core.evaluation.results.labelled import Finishing, read_global_sums
from atmodist_core.evaluation.results.maps import map_results
from atmodist_core.evaluation.results.reader import StatisticsReader
from atmodist_core.evaluation.results.scores import score_results, series_results
from atmodist_core.evaluation.results.spectra import semivariogram_results, spectra_results
from atmodist_core.evaluation.results.values import extreme_results, value_results
from atmodist_core.evaluation.run.evaluation import PreparedEvaluation
from atmodist_core.evaluation.run.member_run import CITIES
from atmodist_core.evaluation.run.plan import EvaluationPlan
from atmodist_core.models.card import ModelCard
from atmodist_core.models.loss_description import loss_text

PACKAGES = ("torch", "numpy", "xarray", "scipy", "netCDF4", "dask")


def evaluation_tree(
    plan: EvaluationPlan,
    prepared: PreparedEvaluation,
    bootstrap: Bootstrap,
    reference: str,
    command: str,
    progress: Callable[[str], None] = lambda _: None,
) -> xr.DataTree:
    """Everything that a finished evaluation holds.

    Parameters
    ----------
    plan : EvaluationPlan
        What was done.
    prepared : PreparedEvaluation
        Its models and data; the stores are complete.
    bootstrap : Bootstrap
        How intervals are made.
    reference : str
        Label of the model that the others are compared with at cities.
    command : str
        That makes this file; written into it.
    progress : callable
        Called with what is made.

    Returns
    -------
    xarray.DataTree
        As :func:`~atmodist_core.evaluation.results.file.open_evaluation` describes it.

    Raises
    ------
    UserError
        If the reference is none of the models, or statistics are missing.
    """
    labels = [model.label for model in prepared.models]
    if reference not in labels:
        raise UserError(
            f"Expected --reference among {', '.join(labels)}, found {reference!r}; choose one of these."
        )
    result = evaluation_result(
        prepared.data, prepared.models, plan.out, prepared.selection, bootstrap, prepared.distance, progress
    )
    axis = DayAxis.of([member.times for member in prepared.data])
    counts = bootstrap_counts(axis, bootstrap)
    reader = StatisticsReader(prepared.data, [run.stores for run in prepared.runs], prepared.selection, axis)
    sums = read_global_sums(reader, prepared.models)
    finishing = Finishing(prepared, reader, axis, counts, result, sums)
    parts: dict[str, xr.Dataset] = {}
    for name, make in (
        ("spectra", spectra_results),
        ("semivariogram", semivariogram_results),
        ("values", value_results),
        ("extremes", extreme_results),
    ):
        progress(name)
        parts[name] = make(finishing)
    parts["scores"] = score_results(finishing, plan.series, reference)
    if plan.series:
        progress("series")
        parts["series"] = series_results(finishing)
    if plan.maps:
        progress("maps")
        parts["maps"] = map_results(finishing)
    if prepared.selection.times(prepared.data[0], CITIES).size:
        from atmodist_core.fields.grid.geography import cities

        progress("cities")
        parts["cities"] = city_results(finishing, cities())
        if len(labels) > 1:
            parts["verdicts"] = verdict_results(finishing, reference)
    if prepared.distance is not None and any(run.times.size for run in prepared.lag_runs):
        progress("distance")
        tables = [run.table() for run in prepared.lag_runs]
        name = prepared.distance.network.name
        parts["distance"] = lag_results(tables, axis, counts, prepared.lag_runs[0].leads, network=name)
    tree = xr.DataTree.from_dict({f"/{name}": part for name, part in parts.items()})
    tree.attrs = _attributes(plan, prepared, finishing, bootstrap, reference, command)
    return tree


def _attributes(
    plan: EvaluationPlan,
    prepared: PreparedEvaluation,
    finishing: Finishing,
    bootstrap: Bootstrap,
    reference: str,
    command: str,
) -> dict[str, Any]:
    result = finishing.judgement
    versions = {"atmodist-studio": atmodist_core.__version__, "Python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in PACKAGES}
    models = [
        {
            "label": model.label,
            "name": str(model.identity["name"]),
            "description": _description(getattr(model.downscaler, "card", None)),
            "created": str(model.identity.get("created", "")),
            "precision": str(model.identity.get("precision", "")),
            "weights": str(model.identity.get("weights", "")),
        }
        for model in prepared.models
    ]
    data = [
        {
            "label": member.label,
            **{
                key: str(member.identity.get(key, ""))
                for key in ("source", "level", "member", "grid", "derived_from")
            },
            "first_time": str(member.times.min())[:16],
            "last_time": str(member.times.max())[:16],
            "simulated": "simulat" in str(member.identity.get("source", "")).lower(),
        }
        for member in prepared.data
    ]
    return {
        "evaluation_version": EVALUATION_VERSION,
        "title": "Evaluation of downscaled atmospheric fields",
        "command": command,
        "versions": json.dumps(versions),
        "models": json.dumps(models),
        "data": json.dumps(data),
        "factor": prepared.data[0].factor,
        "times": result.times,
        "city_times": result.city_times,
        "days": result.days,
        "block_days": max(1, round(bootstrap.block_days / finishing.axis.group)) * finishing.axis.group,
        "replicates": result.replicates,
        "seed": bootstrap.seed,
        "band_first": result.band.first,
        "band_last": result.band.last,
        "band_origin": result.band.origin,
        "reference": reference,
        "notes": "\n".join([*result.notes, *prepared.notes]),
    }


def _description(card: ModelCard | None) -> str:
    """What the card says of a model, else its loss; nothing for an interpolation."""
    if card is None:
        return ""
    return card.notes or f"trained with {loss_text(card)}"
