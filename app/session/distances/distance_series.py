"""The fields of a region at the times of a period, with their embeddings and distances; all cached for the process."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.engine import Engine
from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.figures.numbers.slices import along_time


class DistanceSeries:
    """Fields, embeddings and distances of a region at the times ``texts`` of a period."""

    def __init__(self, engine: Engine, question: Question, texts: tuple[str, ...], control: Control) -> None:
        self._engine, self._question, self._texts, self._control = engine, question, texts, control
        digest = hashlib.sha256(" ".join(texts).encode()).hexdigest()[:16]
        # With the factor, whose coarse cells decide where a region ends.
        self._place = (question.data_set, question.stamp, question.level, question.region, question.factor)
        self._key = (*self._place, digest)

    def fields(self) -> xr.Dataset:
        """Return vorticity and divergence at all times."""
        return self._engine.series_cache.get(("series", *self._key), self._read)

    def matrices(self, field: str, learned: bool) -> xr.Dataset:
        """Return RMSE and, if ``learned``, AtmoDist between all times."""
        from atmodist_core.figures.numbers.distances import time_matrices

        fields = self.fields()
        if not learned:
            return self._cached(("rmse", field), lambda: time_matrices(fields, field))
        distance = self._distance()
        embeddings = self.embeddings(distance)
        scale = float(distance.card.distance_scale.get(distance.layers[-1], 1.0))
        key = ("matrices", field, distance.name, distance.card.created)
        return self._cached(key, lambda: time_matrices(fields, field, embeddings, scale=scale))

    def embeddings(self, distance: Any) -> np.ndarray:
        """Return the activations of every time, shape ``(time, feature, row, column)``; each is computed once in a process."""
        fields = self.fields()
        found = []
        for number, text in enumerate(self._texts):
            self._control.check()
            key = ("embedding", distance.name, distance.card.created, *self._place, text)
            found.append(
                self._engine.embedding_cache.get(key, partial(self._embed, distance, fields, number))
            )
            self._progress(number, "embedding")
        return np.stack(found)

    def curves(self, field: str) -> xr.Dataset:
        """Return the mean distances against the lag."""
        from atmodist_core.figures.numbers.distances import lag_curves

        name = self._engine.distance_name()
        try:
            matrices = self.matrices(field, bool(name))
        except UserError:  # the region is too small for the network, and not for the other distances
            matrices = self.matrices(field, False)
        key = ("curves", "atmodist" in matrices and name)
        return self._cached(key, lambda: lag_curves(self.fields(), matrices))

    def confusion(self) -> xr.Dataset:
        """Return how often the network predicts each lag for pairs of each true lag."""
        from atmodist_core.figures.numbers.distances import predicted_lags

        distance, control = self._distance(), self._control
        region = self._engine.frame(self._question, control).region

        def all_fields() -> Iterator[xr.Dataset]:
            for text in self._texts:
                control.check()
                yield self._engine.frame(replace(self._question, time=text), control).truth

        def make() -> xr.Dataset:
            fields = self.fields()
            with self._engine.slot(control):
                return predicted_lags(
                    distance, fields, region, all_fields, progress=control.progress, cancel=control.cancelled
                )

        return self._cached(("confusion", distance.name, distance.card.created), make)

    def _distance(self) -> Any:
        distance = self._engine.distance()
        if distance is None:
            raise UserError(
                "Expected a trained distance network, found none; add one to the folder of models."
            )
        return distance

    def _progress(self, number: int, what: str) -> None:
        count = len(self._texts)
        self._control.progress((number + 1) / count, f"{what} {number + 1} of {count}")

    def _cached(self, key: tuple[Any, ...], make: Any) -> Any:
        return self._engine.result_cache.get(("distances", *key, *self._key), make)

    def _embed(self, distance: Any, fields: xr.Dataset, number: int) -> np.ndarray:
        with self._engine.slot(self._control), warnings.catch_warnings():
            warnings.simplefilter("ignore", AtmodistWarning)
            return np.asarray(distance.embed(fields.isel(time=[number])).values[0])

    def _read(self) -> xr.Dataset:
        parts = []
        for number, text in enumerate(self._texts):
            self._control.check()
            parts.append(self._engine.region_fields(self._question, text, self._control))
            self._progress(number, "time")
        return along_time(parts)
