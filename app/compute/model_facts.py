"""Facts of trained models, and their speed on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

import atmodist_core as ad
from app.compute.catalogue import method_order, model_folder, model_label, model_stamp
from app.compute.control import Control
from app.compute.engine import Engine
from atmodist_core.figures.numbers.models import learning_curves, measure_speed, megabytes, pretraining_steps


@dataclass(frozen=True)
class ModelFacts:
    """One model."""

    card: Any
    label: str  # name on the page
    megabytes: float  # of its weights
    curves: xr.Dataset | None  # as from :func:`atmodist_core.figures.numbers.models.learning_curves`
    pretraining_steps: int
    stamp: str  # changes when its files change


SPEED_KINDS = ("distance", "downscaler", "flow")
"""Kinds of models that the page can time."""


def facts_of_models(engine: Engine) -> list[ModelFacts]:
    """Return the facts of all models found: distance networks, other encoders, then downscaling models, simplest first."""
    cards = sorted(
        engine.cards(),
        key=lambda card: (
            card.kind != "distance",
            card.downscales,
            method_order(card.name),
            card.name,
        ),
    )
    facts = []
    for card in cards:
        folder = model_folder(card.name)
        if folder is not None:
            facts.append(_facts(card, folder))
    return facts


def _facts(card: Any, folder: Path) -> ModelFacts:
    return ModelFacts(
        card,
        model_label(card.name),
        megabytes(folder),
        learning_curves(folder),
        pretraining_steps(card),
        model_stamp(card.name),
    )


def speed_here(engine: Engine, card: Any, control: Control) -> float:
    """Return the seconds for 160 x 160 fine points on this machine under its present load."""
    fields = engine.describe_and_open("demo").isel(time=[0])[["vorticity", "divergence"]].load()
    if card.downscales:
        fields = ad.coarsen(fields, factor=card.factor)
    load = ad.load_downscaler if card.downscales else ad.load_distance
    with engine.slot(control):
        return measure_speed(card, lambda: load(card.name), fields)
