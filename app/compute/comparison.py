"""A comparison: one question, and the answers of all methods as they arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from app.state.choices import FURTHER_FIELDS

PREVIEW, REGIONAL, EXACT = "preview", "regional", "exact"


@dataclass(frozen=True)
class Question:
    """Data, time, region and field to be compared."""

    data_set: str  # as in :class:`app.state.state.StudioState`
    level: str
    time: str
    region: str
    field: str
    factor: int = 4  # fine points per coarse point along each axis
    stamp: str = ""  # changes when the files of the data set change

    @property
    def slice_key(self) -> tuple[Any, ...]:
        """Identifies the fields of one time."""
        further = self.field if self.field in FURTHER_FIELDS else ""
        return (self.data_set, self.level, self.time, self.factor, further, self.stamp)


@dataclass(frozen=True)
class Scores:
    """Scores of one method against the truth in the region; NaN where a score is not available."""

    rmse: float  # in the units of the field
    atmodist: float  # atmoDist distance of both fields together; no units
    energy_ratio: float  # power beyond the coarse Nyquist wavenumber relative to the truth's
    wasserstein: float
    note: str = ""  # why a score is missing, as a sentence


@dataclass(frozen=True)
class Answer:
    """One method's field in the region."""

    fields: xr.Dataset | None  # one time, the fine points of the region; None if the method failed
    quality: str = EXACT  # {"preview", "regional", "exact"} A preview may have lower precision and takes few surroundings into account; it is not scored
    precision: str = "float32"  # arithmetic of the network, ``float32`` or ``bfloat16``
    seconds: float = 0.0  # time of its first computation
    problem: str = ""  # a sentence where the method failed
    stamp: str = ""  # of the method that gave it: changes when the files of its model change

    @property
    def given(self) -> xr.Dataset:
        """Fields of a method that did not fail."""
        assert self.fields is not None
        return self.fields


@dataclass(frozen=True)
class Comparison:
    """The truth, the coarse input and the answers of the methods, as far as they are computed."""

    question: Question
    truth: xr.Dataset  # of the region, one time
    coarse: xr.Dataset
    simulated: bool  # whether the fields are simulated ones
    whole_globe: bool  # whether the region is the globe, so that spectra are over total wavenumber
    answers: Mapping[str, Answer] = field(default_factory=dict)  # by name of the method
    scores: Mapping[str, Scores] = field(default_factory=dict)  # by name of the method, for exact answers
    # By name of the method, ``truth`` and ``coarse``; None until the view Spectra needs them
    spectra: Any = None
    # By name of the method: sentences on how far the data lie from what it was trained on
    warnings: Mapping[str, list[str]] = field(default_factory=dict)
    complete: bool = False  # whether all results are computed

    def with_answer(self, name: str, answer: Answer) -> Comparison:
        """Return the comparison with one more, or a better, answer."""
        return replace(self, answers={**self.answers, name: answer})

    def with_scores(self, name: str, scores: Scores) -> Comparison:
        """Return the comparison with the scores of one method."""
        return replace(self, scores={**self.scores, name: scores})

    def fields_of(self, name: str) -> xr.Dataset | None:
        """Return the fields of ``truth``, ``coarse`` or a method; None while they are not computed."""
        if name in ("truth", "coarse"):
            return self.truth if name == "truth" else self.coarse
        answer = self.answers.get(name)
        return None if answer is None else answer.fields

    def values(self, name: str) -> np.ndarray | None:
        """Return the field of ``truth``, ``coarse`` or a method, shape ``(latitude, longitude)``."""
        fields = self.fields_of(name)
        return None if fields is None else np.asarray(fields[self.question.field].isel(time=0).values)


SCORE_NAMES = ("rmse", "atmodist", "energy_ratio", "wasserstein")


def best_of(scores: Mapping[str, Scores]) -> dict[str, set[str]]:
    """Return the methods that are best by each score, including ties; none if there is only one method.

    The smallest distance is best; the energy ratio is best where it is closest to one, on a logarithmic scale
    (half and twice the truth's energy are equally wrong).
    """
    best: dict[str, set[str]] = {name: set() for name in SCORE_NAMES}
    for name in SCORE_NAMES:
        wrong = {}
        for method, score in scores.items():
            value = getattr(score, name)
            if name == "energy_ratio":
                value = abs(np.log(value)) if value > 0 else np.nan
            if np.isfinite(value):
                wrong[method] = float(value)
        if len(wrong) > 1:
            least = min(wrong.values())
            best[name] = {method for method, value in wrong.items() if value <= least * (1 + 1e-9)}
    return best
