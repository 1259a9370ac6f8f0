"""A comparison: one question, and the answers of all methods as they arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

PREVIEW, EXACT = "preview", "exact"


@dataclass(frozen=True)
class Question:
    """Data, time, region and field to be compared.

    Attributes
    ----------
    data_set, level, time, region, field : str
        As in :class:`app.state.state.StudioState`.
    factor : int
        Fine points per coarse point along each axis.
    stamp : str
        Changes when the files of the data set change.
    """

    data_set: str
    level: str
    time: str
    region: str
    field: str
    factor: int = 4
    stamp: str = ""

    @property
    def slice_key(self) -> tuple[Any, ...]:
        """Identifies the fields of one time."""
        return (self.data_set, self.level, self.time, self.factor, self.stamp)


@dataclass(frozen=True)
class Scores:
    """Scores of one method against the truth in the region; NaN where a score is not available.

    Attributes
    ----------
    rmse, wasserstein : float
        In the units of the field.
    atmodist : float
        AtmoDist distance of both fields together; no units.
    energy_ratio : float
        Power beyond the coarse Nyquist wavenumber relative to the truth's.
    note : str
        Why a score is missing, as a sentence.
    """

    rmse: float
    atmodist: float
    energy_ratio: float
    wasserstein: float
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """One method's field in the region.

    Attributes
    ----------
    fields : xarray.Dataset or None
        One time, the fine points of the region; None if the method failed.
    quality : {"preview", "exact"}
        A preview may have lower precision and takes fewer surroundings into account; it is not scored.
    precision : str
        Arithmetic of the network, ``float32`` or ``bfloat16``.
    seconds : float
        Time of its first computation.
    problem : str
        A sentence where the method failed.
    stamp : str
        Of the method that gave it: changes when the files of its model change.
    """

    fields: xr.Dataset | None
    quality: str = EXACT
    precision: str = "float32"
    seconds: float = 0.0
    problem: str = ""
    stamp: str = ""

    @property
    def given(self) -> xr.Dataset:
        """Fields of a method that did not fail."""
        assert self.fields is not None
        return self.fields


@dataclass(frozen=True)
class Comparison:
    """The truth, the coarse input and the answers of the methods, as far as they are computed.

    Attributes
    ----------
    question : Question
    truth, coarse : xarray.Dataset
        Of the region, one time.
    simulated : bool
        Whether the fields are simulated ones.
    whole_globe : bool
        Whether the region is the globe, so that spectra are over total wavenumber.
    answers : Mapping
        By name of the method.
    scores : Mapping
        By name of the method, for exact answers.
    spectra : Mapping or None
        By name of the method, ``truth`` and ``coarse``; None until the view Spectra needs them.
    warnings : Mapping
        By name of the method: sentences on how far the data lie from what it was trained on.
    complete : bool
        Whether all results are computed.
    """

    question: Question
    truth: xr.Dataset
    coarse: xr.Dataset
    simulated: bool
    whole_globe: bool
    answers: Mapping[str, Answer] = field(default_factory=dict)
    scores: Mapping[str, Scores] = field(default_factory=dict)
    spectra: Any = None
    warnings: Mapping[str, list[str]] = field(default_factory=dict)
    complete: bool = False

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
