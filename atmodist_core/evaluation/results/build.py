"""From complete stores to the contents of an evaluation file."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable
from typing import Any

import xarray as xr

import atmodist_core
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.ensemble_results import city_sample_results, ensemble_results
from atmodist_core.evaluation.lags.lag_results import lag_results
from atmodist_core.evaluation.results.cities import city_results, verdict_results
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.file import EVALUATION_VERSION
from atmodist_core.evaluation.results.maps import map_results
from atmodist_core.evaluation.results.scores import score_results, series_results
from atmodist_core.evaluation.results.spectra import (
    latitude_results,
    semivariogram_results,
    spectra_results,
)
from atmodist_core.evaluation.results.values import extreme_results, value_results
from atmodist_core.evaluation.run.groups import ENSEMBLE, LATITUDES, MAPS, SERIES
from atmodist_core.models.card import ModelCard
from atmodist_core.models.fit import DataTraits
from atmodist_core.models.loss_description import loss_text

PACKAGES = ("torch", "numpy", "xarray", "scipy", "netCDF4", "dask")


def evaluation_tree(
    result: EvaluationResult, reference: str, command: str, progress: Callable[[str], None] = lambda _: None
) -> xr.DataTree:
    """Return the contents of an evaluation file, see :func:`.open_evaluation`.

    ``command`` is written into it; ``progress`` is called with the name of each part. Raises ``UserError`` if the reference
    is not among the models.
    """
    prepared = result.prepared
    if reference not in result.labels:
        raise UserError(
            f"Expected --reference among {', '.join(result.labels)}, found {reference!r}; choose one of these."
        )
    groups = prepared.runs[0].groups
    # Spectra of a limited area have another axis: readers must not take them for those of the globe.
    spectra = "regional_spectra" if result.facts.band is None else "spectra"
    parts: dict[str, Callable[[], xr.Dataset]] = {
        spectra: lambda: spectra_results(result),
        "semivariogram": lambda: semivariogram_results(result),
        "values": lambda: value_results(result),
        "extremes": lambda: extreme_results(result),
        "scores": lambda: score_results(result, reference),
    }
    if SERIES in groups:
        parts["series"] = lambda: series_results(result)
    if MAPS in groups:
        parts["maps"] = lambda: map_results(result)
    if LATITUDES in groups:
        parts["latitudes"] = lambda: latitude_results(result)
    if result.city_distances:
        from atmodist_core.fields.grid.geography import cities

        parts["cities"] = lambda: city_results(result, cities())
        if len(result.labels) > 1:
            parts["verdicts"] = lambda: verdict_results(result, reference)
    if ENSEMBLE in groups:
        parts["ensembles"] = lambda: ensemble_results(result)
        if result.city_distances:
            parts["city_samples"] = lambda: city_sample_results(result, reference)
    distance = prepared.distance
    if distance is not None and any(run.times.size for run in prepared.lag_runs):
        lag_runs, network = prepared.lag_runs, distance.network.name
        parts["distance"] = lambda: lag_results(
            [run.table() for run in lag_runs],
            result.reader.axis,
            result.counts,
            lag_runs[0].lags,
            network=network,
        )
    made = {}
    for name, make in parts.items():
        progress(name)
        made[f"/{name}"] = make()
    tree = xr.DataTree.from_dict(made)
    tree.attrs = _attributes(result, reference, command)
    return tree


def _attributes(result: EvaluationResult, reference: str, command: str) -> dict[str, Any]:
    prepared, axis, band = result.prepared, result.reader.axis, result.facts.band
    versions = {"atmodist-studio": atmodist_core.__version__, "Python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in PACKAGES}
    models = [
        {
            "label": model.label,
            "name": str(model.identity["name"]),
            "description": _description(getattr(model.downscaler, "card", None)),
            **{key: str(model.identity.get(key, "")) for key in ("created", "precision", "weights")},
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
            "traits": DataTraits.of(member.fields[member.names]).to_dict(),
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
        "region": prepared.data[0].region or "",
        "factor": prepared.data[0].factor,
        "times": result.times,
        "city_times": result.city_times,
        "days": result.days,
        "block_days": max(1, round(result.bootstrap.block_days / axis.group)) * axis.group,
        "replicates": result.replicates,
        "seed": result.bootstrap.seed,
        **(
            {}
            if band is None
            else {"band_first": band.first, "band_last": band.last, "band_origin": band.origin}
        ),
        "reference": reference,
        "notes": "\n".join(result.notes),
    }


def _description(card: ModelCard | None) -> str:
    """The notes of a model's card, else its loss; nothing for an interpolation."""
    if card is None:
        return ""
    return card.notes or f"trained with {loss_text(card)}"
