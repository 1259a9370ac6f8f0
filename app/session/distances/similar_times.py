"""The times of the data set most like the chosen one, found while the page has nothing else to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

import atmodist_core as ad
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.public_text import public_text
from app.session.request import Request, Update

if TYPE_CHECKING:
    from atmodist_core.inference.similar.record import EmbeddedRecord

SHOWN = 5
MOST_TIMES = 240
"""Times that are searched: more are thinned out. Each is embedded once in a process."""

DAY_H, LONG_H = 24.0, 120.0


@dataclass(frozen=True)
class SimilarTimes:
    """The times most like one of a data set in a region."""

    question: Question  # data, region and the time that the others are compared with
    found: xr.Dataset | None  # what :func:`atmodist_core.find_similar` returns; None where nothing was found
    note: str  # what was searched, or why nothing was found
    record: EmbeddedRecord | None = None  # of all times that were searched


def find_similar_times(request: Request, control: Control) -> Update | None:
    """Return the times most like the chosen one, added to what the view Distances shows; None where they are there already."""
    shown = request.results.get("distances")
    question = request.question(field="")
    if shown is None or not shown.complete or _is_of(shown.similar, question):
        return None
    try:
        record, note = _record(request, question, control)
        similar = search(record, question, note)
    except ad.UserError as error:
        similar = SimilarTimes(question, None, public_text(error))
    return Update(results={"distances": replace(shown, similar=similar)})


def known_similar_times(similar: SimilarTimes | None, question: Question) -> SimilarTimes | None:
    """Return the times most like that of a question from a record that was searched before; None where that takes time."""
    if similar is None or similar.record is None or not _same_place(similar.question, question):
        return None
    if np.datetime64(question.time) not in similar.record.times:
        return None
    return similar if _is_of(similar, question) else search(similar.record, question, similar.note)


def search(record: EmbeddedRecord, question: Question, note: str) -> SimilarTimes:
    """Return the times of a record most like that of a question; in records of five days and more they are a day apart."""
    span = (record.times[-1] - record.times[0]) / np.timedelta64(1, "h")
    apart = DAY_H if span >= LONG_H else 0.0
    found = ad.find_similar(record, question.time, SHOWN, exclude_hours=apart, apart_hours=apart)
    return SimilarTimes(replace(question, field=""), found, note, record)


def _record(request: Request, question: Question, control: Control) -> tuple[EmbeddedRecord, str]:
    """All times of the data set, or evenly thinned ones and the chosen one, embedded in the region."""
    from atmodist_core.inference.similar.record import EmbeddedRecord

    data, engine = request.data, request.engine
    distance = engine.distance()
    if distance is None:
        raise ad.UserError(
            "Expected a trained distance network, found none; add one to the folder of models."
        )
    texts = data.time_texts
    count = len(texts)
    if count < 2 or np.isnat(data.times).any():
        raise ad.UserError("Expected data of several dates to search, found none; choose another data set.")
    every = ceil(count / MOST_TIMES)
    index = sorted({*range(0, count, every), texts.index(question.time)})
    note = (
        f"All {count} times of the data were searched."
        if every == 1
        else f"{len(index)} of the {count} times of the data were searched, evenly spaced."
    )
    chosen = tuple(texts[place] for place in index)
    place = (question.data_set, question.stamp, question.level, question.region, question.factor)
    digest = hashlib.sha256(" ".join(chosen).encode()).hexdigest()[:16]
    network = (distance.name, distance.card.created)

    def make() -> EmbeddedRecord:
        values = []
        for text in chosen:
            control.check()
            key = ("embedding", *network, *place, text)  # shared with the matrices of the view
            embedding = engine.embedding_cache.get(
                key, partial(_embed, request, distance, question, text, control)
            )
            values.append(np.moveaxis(embedding, 0, -1).astype(np.float16))
        fields = engine.region_fields(question, chosen[0], control)
        layer = distance.layers[-1]
        latitude, longitude = (fields[name].values.astype(float) for name in ("latitude", "longitude"))
        return EmbeddedRecord(
            (np.stack(values),),
            data.times[index].astype("datetime64[ns]"),
            latitude,
            longitude,
            {
                "model": distance.name,
                "layer": layer,
                "scale": float(distance.card.distance_scale.get(layer, 1.0)),
            },
        )

    return engine.embedding_cache.get(("embedded record", *network, *place, digest), make), note


def _embed(request: Request, distance: Any, question: Question, text: str, control: Control) -> np.ndarray:
    import warnings

    from atmodist_core.common.errors import AtmodistWarning

    fields = request.engine.region_fields(question, text, control)
    with request.engine.slot(control), warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        return np.asarray(distance.embed(fields).values[0])


def _is_of(similar: SimilarTimes | None, question: Question) -> bool:
    return (
        similar is not None
        and _same_place(similar.question, question)
        and similar.question.time == question.time
    )


def _same_place(one: Question, other: Question) -> bool:
    """Whether two questions are about the same data and region."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("data_set", "level", "stamp", "region", "factor")
    )
