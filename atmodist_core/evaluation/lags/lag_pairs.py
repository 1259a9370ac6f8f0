"""Lag probabilities of a distance network for pairs of states a known time apart, at every time of a period.

What is drawn and computed for a time depends on that time, the data and the settings alone, so a period can be
done in any order and in pieces.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.evaluation.diagnostics.structural_similarity import structural_similarity
from atmodist_core.evaluation.geometry import time_values
from atmodist_core.evaluation.lags.lag_curves import LONG_NAMES
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.patches import TRAINED_LATITUDES_DEG, area_shares, rows_within
from atmodist_core.fields.grid.validity import Mask, valid_patches
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.inference.distance_matrix import activation_weights
from atmodist_core.inference.lag_probabilities import median_classes, ranked_classes

VERSION = 2
"""Of what is computed; part of :attr:`LagPairs.identity`."""

CACHE_BYTES = 512 * 2**20
"""Fields kept for the next times."""

PAIR_DIMENSIONS = ("time", "pair")

_LONG_NAMES = {
    "lag": ("h", "time between the two states"),
    "predicted_lag": ("h", "most likely lag"),
    "median_lag": ("h", "median of the predicted distribution of the lag"),
    "log_loss": ("nat", "minus the logarithm of the predicted probability of the true lag"),
    "true_rank": ("1", "number of lags predicted as more likely than the true one"),
    "latitude": ("degrees_north", "centre of the patch"),
    "longitude": ("degrees_east", "centre of the patch"),
    "atmodist": ("1", "AtmoDist distance of the two patches"),
    "l2": ("1", LONG_NAMES["l2"]),
    "l1": ("1", LONG_NAMES["l1"]),
    "one_minus_ssim": ("1", LONG_NAMES["1-ssim"]),
}


class _Draw(NamedTuple):
    """Classes and north-west corners of the pairs of one time, each shape ``(pair,)``."""

    label: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


class LagPairs:
    """Pairs of patches of one place at a time t and a lag later: how they differ, and the lag that a network predicts.

    The pretext task that networks are trained on: lags uniform over the classes; patches of the size the network was
    trained on, unmirrored, centred within 60 degrees of the equator, at any longitude. Other than there, a time is used
    only if all its lags are in the data.

    The metrics: ``atmodist`` is what :meth:`AtmoDist.distance` gives for the two patches at the network's last layer.
    ``l2`` and ``l1`` are the mean squared and absolute difference, and ``one_minus_ssim`` one minus the structural
    similarity, of fields divided by their standard deviation, as in
    :func:`~atmodist_core.evaluation.lags.lag_curves.lag_curve`. Standard deviations of the whole series would depend on
    the period: here they are those of the network's training data, from its card, and the range of values for the
    similarity is that of the whole field at time t.

    ``sampling`` is "latitude" (centres uniform in latitude, as networks are trained and scored) or "area" (uniform over
    the sphere). Raises ``UserError`` if channels are missing, the fields are smaller than a patch or lie elsewhere, times
    have no dates, no time has all lags, or a number is out of range.
    """

    def __init__(
        self,
        distance: AtmoDist,
        fields: xr.Dataset,
        *,
        pairs: int = 32,
        seed: int = 0,
        sampling: Literal["latitude", "area"] = "latitude",
    ) -> None:
        if pairs < 1 or seed < 0:
            raise UserError(
                f"Expected at least one pair at each time and a seed of 0 or more, found {pairs} and {seed}; 32 and 0 "
                "are usual."
            )
        self.distance, self.pairs, self.seed, self.sampling = distance, pairs, seed, sampling
        self.layer = distance.layers[-1]
        config = distance.inference.network.classifier.config
        self.patch_size = int(config.patch_size)
        self.lags = np.array(config.lags_hours, dtype=np.float64)
        self._arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
        latitude, longitude = self._arrays.latitude, self._arrays.longitude
        if min(latitude.size, longitude.size) < self.patch_size:
            raise UserError(
                f"Expected fields of at least {self.patch_size} x {self.patch_size} points, the patch size that "
                f"{distance.name} was trained on, found {latitude.size} x {longitude.size}; choose finer data or "
                "a network with smaller patches."
            )
        self._rows, self._centres = rows_within(latitude, self.patch_size)
        if not self._rows.size:
            raise UserError(
                f"Expected room for patches centred within {TRAINED_LATITUDES_DEG:g} degrees of the equator, found a "
                f"grid from {latitude[-1]:g} to {latitude[0]:g}; choose the whole globe."
            )
        self._boundaries = Boundaries.of(latitude, longitude)
        self._columns = longitude.size - (0 if self._boundaries.wraps else self.patch_size - 1)
        self._domain, self._corners = self._valid_corners()
        self._seconds = self._dated_seconds(time_values(fields))
        self._index = {second: index for index, second in enumerate(self._seconds.tolist())}
        if not self._has_all_lags(self._seconds).any():
            raise UserError(
                f"Expected data with times {self.lags[0]:g} to {self.lags[-1]:g} h apart in steps of "
                f"{config.lag_step_hours:g} h, the lags that {distance.name} tells apart, found none of "
                f"{self._seconds.size} times with all of these after it; choose a longer or denser period."
            )
        self._cache: dict[int, NDArray[np.float32]] = {}
        sentence = distance.applicability(fields)
        if sentence is not None:
            warnings.warn(sentence, AtmodistWarning, stacklevel=2)

    @property
    def variables(self) -> dict[str, tuple[tuple[str, str], dict[str, str]]]:
        """Dimensions and attributes (``units``, ``long_name``) of everything that is computed, by name."""
        found = {
            name: (PAIR_DIMENSIONS, {"units": units, "long_name": long_name})
            for name, (units, long_name) in _LONG_NAMES.items()
        }
        found["atmodist"][1]["layer"] = self.layer
        for channel in self._arrays.channels:
            for name, what in (
                ("difference", "difference of the two patches"),
                ("strength", "value in both patches"),
            ):
                long_name = f"root mean square {what}, normalised {channel.replace('_', ' ')}"
                found[f"rms_{name}_{channel}"] = (PAIR_DIMENSIONS, {"units": "1", "long_name": long_name})
        return found

    @property
    def identity(self) -> dict[str, Any]:
        """Plain values of the settings; a store needs those of the network and the data as well."""
        return {
            "lag_pairs_version": VERSION,
            "pairs": self.pairs,
            "seed": self.seed,
            "sampling": self.sampling,
            "layer": self.layer,
        }

    def times_with_pairs(self, times: np.ndarray) -> np.ndarray:
        """Return those of some times that the data hold together with every lag after them, in the same order."""
        return times[self._has_all_lags(self._dated_seconds(times))]

    def __call__(self, moment: np.datetime64) -> dict[str, np.ndarray]:
        """Draw and classify the pairs of one time: float64 arrays ``(pair,)`` named as in :attr:`variables`.

        Raises ``UserError`` if the time or one of its lags is not in the data, values are missing, or a field is constant.
        """
        second = int(self._dated_seconds(np.atleast_1d(moment))[0])
        if not self._has_all_lags(np.array([second])).any():
            raise UserError(
                f"Expected a time with all lags up to {self.lags[-1]:g} h after it in the data, found {moment}; "
                "choose among those of times_with_pairs."
            )
        draw = self._draw(second)
        now = self._read(second, second)
        later = [self._read(second + int(3600 * lag), second) for lag in self.lags[draw.label]]
        patches = self._cut([now] * self.pairs, draw), self._cut(later, draw)
        axis = self._arrays.longitude
        longitude = axis[draw.column] + (axis[-1] - axis[0]) / (axis.size - 1) * (self.patch_size - 1) / 2
        return {
            "lag": self.lags[draw.label],
            **self._predictions(*patches, draw),
            "latitude": self._centres[draw.row - self._rows[0]],
            "longitude": longitude % 360.0,
            **self._plain_differences(*patches, now, draw),
            **self._root_mean_squares(*patches),
        }

    def table(self, times: Sequence[np.datetime64] | np.ndarray) -> xr.Dataset:
        """Classify the pairs of several times of :meth:`times_with_pairs`: :attr:`variables` over ``(time, pair)``."""
        return self.labelled(times, [self(moment) for moment in times])

    def labelled(
        self, times: Sequence[np.datetime64] | np.ndarray, found: Sequence[dict[str, np.ndarray]]
    ) -> xr.Dataset:
        """Give arrays of several times, one result of a call for each, as a dataset over ``(time, pair)``."""
        return xr.Dataset(
            {
                name: (
                    dimensions,
                    np.stack([arrays[name] for arrays in found]) if found else np.zeros((0, self.pairs)),
                    attributes,
                )
                for name, (dimensions, attributes) in self.variables.items()
            },
            {"time": np.array(times, dtype="datetime64[ns]")},
        )

    def _predictions(
        self, earlier: NDArray[np.float32], later: NDArray[np.float32], draw: _Draw
    ) -> dict[str, np.ndarray]:
        label = draw.label
        inference = self.distance.inference
        first, second = inference.encode_patches(np.concatenate([earlier, later])).chunk(2)
        probabilities = inference.classify(first, second)
        ranked = ranked_classes(probabilities)
        of_truth = np.take_along_axis(probabilities, label[:, None], axis=1)[:, 0]
        squares = np.square((first - second).float().cpu().numpy(), dtype=np.float64).mean(axis=1)
        weights = [
            activation_weights(rows, self.patch_size, squares.shape[1:]) for rows in self._latitudes(draw)
        ]
        difference = (squares * np.stack(weights)).sum(axis=(1, 2))
        return {
            "predicted_lag": self.lags[ranked[:, 0]],
            "median_lag": self.lags[median_classes(probabilities)],
            # A probability that double precision rounds to zero still counts as one beyond 700 nat.
            "log_loss": -np.log(np.maximum(of_truth, np.finfo(np.float64).tiny)),
            "true_rank": np.argmax(ranked == label[:, None], axis=1).astype(np.float64),
            "atmodist": difference * float(self.distance.card.distance_scale.get(self.layer, 1.0)),
        }

    def _plain_differences(
        self,
        earlier: NDArray[np.float32],
        later: NDArray[np.float32],
        whole: NDArray[np.float32],
        draw: _Draw,
    ) -> dict[str, np.ndarray]:
        deviation = np.array(self.distance.inference.normalization.std)
        ranges = np.ptp(whole.reshape(len(deviation), -1).astype(np.float64), axis=1) / deviation
        if not (ranges > 0).all():
            raise UserError(
                f"Expected fields that vary, found {self._arrays.channels[int(np.argmin(ranges))]} constant; choose "
                "another period."
            )
        first, second = (patches / deviation[:, None, None] for patches in (earlier, later))
        similarity = [
            structural_similarity(first[:, channel], second[:, channel], value_range=float(span))
            for channel, span in enumerate(ranges)
        ]
        areas = np.array([cell_areas(rows) for rows in self._latitudes(draw)])
        weights = (areas / areas.sum(axis=1, keepdims=True))[:, None, :, None] / self.patch_size
        difference = first - second
        return {
            "l2": (np.square(difference) * weights).sum(axis=(2, 3)).mean(axis=1),
            "l1": (np.abs(difference) * weights).sum(axis=(2, 3)).mean(axis=1),
            "one_minus_ssim": 1 - np.mean(similarity, axis=0),
        }

    def _root_mean_squares(
        self, earlier: NDArray[np.float32], later: NDArray[np.float32]
    ) -> dict[str, np.ndarray]:
        """What the simple predictors see, see :mod:`~atmodist_core.evaluation.lags.lag_predictors`."""
        first, second = (self._normalized(patches) for patches in (earlier, later))
        difference = np.sqrt(np.square(first - second).mean(axis=(2, 3)))
        strength = np.sqrt(0.5 * (np.square(first) + np.square(second)).mean(axis=(2, 3)))
        return {
            f"rms_{name}_{channel}": values[:, n].astype(np.float64)
            for name, values in (("difference", difference), ("strength", strength))
            for n, channel in enumerate(self._arrays.channels)
        }

    def _normalized(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        normalized = self.distance.inference.normalization.normalize(torch.from_numpy(patches))
        return normalized.numpy().astype(np.float64)

    def _draw(self, second: int) -> _Draw:
        # Seeds are not negative, times before 1970 are.
        random = np.random.Generator(np.random.PCG64([self.seed, second % 2**64]))
        label = random.integers(0, self.lags.size, self.pairs)
        place = random.random(self.pairs)
        column = random.integers(0, self._columns, self.pairs)
        if self._corners is not None:
            shares = np.ones(len(self._corners))
            if self.sampling == "area":
                shares = cell_areas(self._centres)[self._corners[:, 0] - self._rows[0]]
            chosen = np.searchsorted(np.cumsum(shares) / shares.sum(), place, side="right")
            return _Draw(label, *self._corners[np.minimum(chosen, len(shares) - 1)].T)
        if self.sampling == "area":
            row = np.searchsorted(area_shares(self._centres), place, side="right")
        else:
            row = (place * self._rows.size).astype(np.int64)
        return _Draw(label, self._rows[row], column)

    def _latitudes(self, draw: _Draw) -> list[NDArray[np.float64]]:
        """Latitudes of the rows of every patch [degrees]."""
        return [self._arrays.latitude[row : row + self.patch_size] for row in draw.row]

    def _cut(self, fields: Sequence[NDArray[np.float32]], draw: _Draw) -> NDArray[np.float32]:
        """Patches of fields ``(channel, rows, columns)``, one of each: ``(pair, channel, size, size)``."""
        size = self.patch_size
        return np.stack(
            [
                self._boundaries.gather(field, (row, row + size), (column, column + size))
                for field, row, column in zip(fields, draw.row.tolist(), draw.column.tolist(), strict=True)
            ]
        )

    def _read(self, second: int, moment: int) -> NDArray[np.float32]:
        """Fields at a time, kept for the times that follow; what lies before the moment is not needed again."""
        if second in self._cache:
            self._cache[second] = self._cache.pop(second)
            return self._cache[second]
        field = self._arrays.read(self._index[second], self._domain)
        for old in [old for old in self._cache if old < moment]:
            del self._cache[old]
        while self._cache and (len(self._cache) + 1) * field.nbytes > CACHE_BYTES:
            del self._cache[next(iter(self._cache))]
        self._cache[second] = field
        return field

    def _valid_corners(self) -> tuple[Mask | None, NDArray[np.int64] | None]:
        """The valid points, and the corners (row, column) of patches among them; None where all are valid."""
        valid = self._arrays.read_filled(0)[1]
        if valid.all():
            return None, None
        whole = valid_patches(valid, self.patch_size, wraps=self._boundaries.wraps)[self._rows]
        if not whole.any():
            raise UserError(
                f"Expected a square of {self.patch_size} x {self.patch_size} points with values, the patch size that "
                f"{self.distance.name} was trained on, found none; choose a network with smaller patches."
            )
        return valid, np.argwhere(whole) + np.array([self._rows[0], 0])

    def _has_all_lags(self, seconds: NDArray[np.int64]) -> NDArray[np.bool_]:
        offsets = np.concatenate([[0], np.round(3600 * self.lags)]).astype(np.int64)
        return np.asarray(np.isin(seconds[:, None] + offsets, self._seconds).all(axis=1))

    def _dated_seconds(self, times: np.ndarray) -> NDArray[np.int64]:
        times = np.asarray(times)
        if not np.issubdtype(times.dtype, np.datetime64) or np.isnat(times).any():
            raise UserError(
                "Expected dated times for pairs of states a known time apart, found times without dates; give data "
                "with a time coordinate."
            )
        return times.astype("datetime64[s]").astype(np.int64)
