"""Scores of shipped and adapted models on the last part of the data, by the one evaluation."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.evaluation.measure_kernels import DataFacts, Means
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.evaluation.run.evaluation import PreparedEvaluation, evaluate
from atmodist_core.evaluation.run.groups import AREA, ENSEMBLE
from atmodist_core.evaluation.run.plan import EvaluationPlan
from atmodist_core.evaluation.statistics.histogram import ValueBins
from atmodist_core.training.adaptation.validation_scores import halves_of

MEMBERS = 4
LOWER, UPPER = "power_lower_half", "power_upper_half"

_OF_AREA = ("rmse", "wasserstein", "energy_ratio", "pattern_constant", "pattern_modulated")
_OF_ENSEMBLES = ("crps", "spread_error_ratio")

Scores = dict[str, list[float]]
"""By measure, a number for each field."""


@dataclass(frozen=True)
class ScoredModels:
    """Scores of models over all scored times, and over their first and second half apart.

    ``all``, ``first`` and ``second`` are by label; ``spectra`` holds mean power over ``share``, wavenumbers as shares of the
    Nyquist wavenumber, by label and "truth", ``(field, wavenumber)``.
    """

    fields: list[str]
    units: list[str]
    times: int
    all: dict[str, Scores]
    first: dict[str, Scores]
    second: dict[str, Scores]
    share: NDArray[np.float64]
    spectra: dict[str, NDArray[np.float64]]


def score_models(
    dataset: xr.Dataset,
    models: Mapping[str, Path | str],
    folder: Path,
    *,
    factor: int,
    end: float = 1.0,
    ensembles: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> ScoredModels | None:
    """Score models (label to folder) on all times of a dataset; None if stopped.

    The measures are those of ``atmodist evaluate``, and the power of the lower and the upper half of the added scales over
    the truth's (see :func:`.halves_of`; ``end`` is the effective truncation). Statistics stay in the folder: a second call
    continues.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scored.nc"
    if not file.exists():
        plain = dataset.load()
        plain.attrs.pop("notes", None)
        plain.to_netcdf(file.with_suffix(".partial"), engine="h5netcdf")
        file.with_suffix(".partial").replace(file)
    plan = EvaluationPlan(
        models=tuple(f"{label}={place}" for label, place in models.items()),
        data=(str(file),),
        out=folder,
        cities_every_hours=-1,
        maps=False,
        series=False,
        members=MEMBERS if ensembles else 0,
        lag_pairs=0,
        factor=factor,
    )
    with warnings.catch_warnings():
        # How the data differ from those of the start is told once, in the report.
        warnings.simplefilter("ignore", AtmodistWarning)
        prepared = evaluate(plan, workers=1, stop=stop)
    return None if prepared is None else _scored(prepared, end)


def _scored(prepared: PreparedEvaluation, end: float) -> ScoredModels:
    run = prepared.runs[0]
    data = run.data
    times = data.times
    facts = DataFacts([ValueBins.of_units(units) for units in data.units], data.factor)
    groups = [name for name in (AREA, ENSEMBLE) if name in run.groups]
    truth = run.load(None, AREA)
    spacing = float(np.abs(np.diff(data.template["latitude"].values)).mean())
    if "power" in truth:
        name, share = "power", truth["total_wavenumber"].values * spacing / 180.0
    else:
        kilometres = spacing * np.pi * 6371.0 / 180.0
        name, share = "bin_power", 2.0 * kilometres / truth["wavelength_km"].values
    halves = halves_of(share, data.factor, end)
    middle = len(times) // 2
    parts = {"all": slice(None), "first": slice(0, middle), "second": slice(middle, None)}
    found: dict[str, dict[str, Scores]] = {part: {} for part in parts}
    spectra = {"truth": truth[name].values.mean(axis=0)}
    for model in prepared.models:
        statistics = [run.load(model, group) for group in groups if group == AREA or model.members]
        spectra[model.label] = statistics[0][name].values.mean(axis=0)
        for part, chosen in parts.items():
            own, other = _means(statistics, chosen), _means([truth], chosen)
            found[part][model.label] = _scores(own, other, facts, name, halves, bool(model.members))
    return ScoredModels(data.names, data.units, len(times), **found, share=share, spectra=spectra)


def _means(statistics: list[xr.Dataset], chosen: slice) -> Means:
    """Means over some times, each ``(1, field, ...)``."""
    return {
        str(name): values.values[chosen].mean(axis=0, dtype=np.float64)[None]
        for each in statistics
        for name, values in each.data_vars.items()
        if np.issubdtype(values.dtype, np.number) and "time" in values.dims
    }


def _scores(
    own: Means, truth: Means, facts: DataFacts, power: str, halves: list[NDArray[np.bool_]], is_ensemble: bool
) -> Scores:
    names = [*_OF_AREA, *(_OF_ENSEMBLES if is_ensemble else ())]
    scores = {
        name: MEASURES[name].finalise(own, truth, facts)[0].tolist()
        for name in names
        if set(MEASURES[name].statistics) <= own.keys()
    }
    if "crps" not in scores:  # of a single field
        scores["crps"] = MEASURES["mae"].finalise(own, truth, facts)[0].tolist()
    for name, half in zip((LOWER, UPPER), halves, strict=True):
        scores[name] = (own[power][0][:, half].sum(axis=-1) / truth[power][0][:, half].sum(axis=-1)).tolist()
    return scores


def log_power_error(scores: Scores) -> float:
    """Return the mean absolute logarithm of power over the truth's, over fields and both halves of the added scales."""
    return float(np.abs(np.log([*scores[LOWER], *scores[UPPER]])).mean())
