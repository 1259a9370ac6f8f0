"""Scores of one prediction against the truth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import xarray as xr

import atmodist_core as ad
from app.compute.comparison import Question, Scores
from app.compute.public_text import public_text
from app.state.choices import FURTHER_FIELDS
from atmodist_core.common.errors import AtmodistWarning

NO_DISTANCE = "No trained distance network was found, so there is no AtmoDist score."


def scores_of(question: Question, prediction: xr.Dataset, truth: xr.Dataset, distance: Any) -> Scores:
    """Return the scores that are available: a region may be too small for some of them."""
    try:
        return score(prediction, truth, question, distance)
    except ad.UserError as error:
        problem = public_text(error)
    # A region may be too small for the distance network and still large enough for the other scores.
    try:
        return replace(score(prediction, truth, question, None), note=problem)
    except ad.UserError as error:
        missing = float("nan")
        return Scores(missing, missing, missing, missing, note=public_text(error))


def score(prediction: xr.Dataset, truth: xr.Dataset, question: Question, distance: Any) -> Scores:
    """Return the scores of one prediction of the field; AtmoDist is one number for vorticity and divergence together."""
    from atmodist_core.evaluation import scores

    measures = ("rmse", "energy_ratio", "wasserstein")
    further = FURTHER_FIELDS.get(question.field, "").lower()
    if further:
        distance = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        result = scores(prediction, truth, factor=question.factor, distance=distance, measures=measures)
    of_field = result.sel(field=question.field)
    return Scores(
        rmse=float(of_field["rmse"]),
        atmodist=float(result["atmodist"]) if "atmodist" in result else float("nan"),
        energy_ratio=float(of_field["energy_ratio"]),
        wasserstein=float(of_field["wasserstein"]),
        note=f"The distance network sees vorticity and divergence, not {further}." * bool(further)
        or NO_DISTANCE * (distance is None),
    )


def distances_of(states: Mapping[str, xr.Dataset], field: str, distance: Any) -> xr.Dataset:
    """Return the distances between truth and methods, without AtmoDist where the region is too small for its network."""
    from atmodist_core.figures.numbers.distances import method_distances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        try:
            return method_distances(states, field, distance)
        except ad.UserError:
            if distance is None:
                raise
            return method_distances(states, field, None)
