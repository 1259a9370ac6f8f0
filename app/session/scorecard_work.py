"""The work behind the view Scorecard: the evaluation of the data set, or the one that ships, against the chosen reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import xarray as xr

import atmodist_core as ad
from app.compute.control import Control
from app.session.long_record import LongRecord, record_in, shown_evaluation
from app.session.messages import Message
from app.session.request import Request, Update
from atmodist_core.figures.findings.opening import opening_sentences
from atmodist_core.figures.findings.scorecard import scorecard_table
from atmodist_core.figures.findings.shown_evaluation import evaluation_basis
from atmodist_core.figures.method_styles import method_style


@dataclass(frozen=True)
class Scorecards:
    """What the view Scorecard shows."""

    tables: Mapping[str, xr.Dataset]  # by field: every measure against the chosen reference
    names: Mapping[str, str]  # of the models, by their label in the tables
    sentences: tuple[str, ...]  # which model is best, where, and how certain that is
    basis: str  # data and period of the evaluation
    is_own: bool  # whether it is an evaluation of the data set shown
    differences: tuple[
        str, ...
    ]  # in what the data shown differ from those of the evaluation; empty where it fits
    record: LongRecord


def read_scorecard(request: Request, control: Control) -> Iterator[Update]:
    """Read the evaluation and compare its models with the reference."""
    control.announce(0.2, "Reading the evaluation")
    found = shown_evaluation(request.data)
    record = None if found is None else record_in(found.path)
    if found is None or record is None:
        raise ad.UserError(
            "Expected an evaluation for the scorecard, found none that can be read; make one with train/evaluate.py and store it beside the "
            "data as NAME.evaluation.nc."
        )
    reference, text = request.state.reference, ""
    if reference and reference not in record.labels:
        text = f"The evaluation has no model '{reference}'; the scorecard compares with the reference of the evaluation."
        reference = ""
    yield Update(message=Message("scorecard", "warning", text))
    names = {label: method_style(label).label for label in record.labels}
    own = {field: scorecard_table(record.tree, field=field) for field in record.fields}
    tables = own
    if reference and reference != str(own[record.fields[0]].attrs["reference"]):
        control.announce(0.6, "Comparing with the reference")
        tables = {
            field: scorecard_table(record.tree, field=field, reference=reference) for field in record.fields
        }
    basis = evaluation_basis(record.tree)
    cards = Scorecards(
        tables,
        names,
        tuple(opening_sentences(own, names, basis)),
        basis,
        found.is_own,
        found.differences,
        record,
    )
    yield Update(results={"scorecard": cards}, is_shown=True, summary="Scorecard of the evaluation")
