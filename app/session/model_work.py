"""The work behind the view Models: which models were trained on data like those shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import atmodist_core as ad
from app.compute.control import Control
from app.compute.public_text import public_text
from app.session.long_record import long_record
from app.session.request import Request, Update
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.figures.findings.opening import wins
from atmodist_core.figures.findings.scorecard import scorecard_table
from atmodist_core.models.applicability import applicability_differences


@dataclass(frozen=True)
class ModelFits:
    """How the data shown differ from those of the models, and what the models are best in."""

    differences: Mapping[str, list[str]]  # by name of the model; empty where the data do not differ
    wins: Mapping[str, list[str]]  # by name of the model: in what it is significantly closest to the truth


def fit_models(request: Request, control: Control) -> Iterator[Update]:
    """Compare the data of the chosen time with those that the models were trained on."""
    engine, differences = request.engine, {}
    for card in engine.cards():
        if not card.downscales and card.kind != "distance":
            continue
        control.announce(0.5, f"Comparing the data with those of {card.name}")
        try:
            frame = engine.frame(request.question(factor=card.factor if card.downscales else 4), control)
            fields = frame.coarse if card.downscales else frame.truth
            differences[card.name] = applicability_differences(
                card, FieldArrays.of(fields, card.channels, card.name)
            )
        except ad.UserError as error:
            differences[card.name] = [public_text(error)]
    record = long_record(request.data)
    best = (
        {}
        if record is None
        else wins({one: scorecard_table(record.tree, field=one) for one in record.fields})
    )
    yield Update(
        results={"models": ModelFits(differences, best)},
        is_shown=True,
        summary="Models compared with the data",
    )
