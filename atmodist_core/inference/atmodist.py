"""AtmoDist as users call it: how different are two states of the atmosphere?"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.fields.canonical.field_arrays import FieldArrays, require_one_grid
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.patches import PatchCover, with_surroundings
from atmodist_core.fields.grid.regions import as_region
from atmodist_core.fields.grid.validity import Mask
from atmodist_core.inference.devices import Engine, Precision, resolve_engine
from atmodist_core.inference.distance_matrix import (
    activation_weights,
    mean_squared_differences,
    states_to_encode,
    time_blocks,
)
from atmodist_core.inference.embedding import EncoderInference
from atmodist_core.inference.lag_prediction import lag_prediction
from atmodist_core.models.applicability import applicability_sentence
from atmodist_core.models.card import ModelCard, read_card_of
from atmodist_core.models.hub import local_model
from atmodist_core.models.store import load_network
from atmodist_core.networks import DistanceNetwork

_DISTANCE = "AtmoDist distance", "atmodist_distance"


class AtmoDist:
    """A learned distance between atmospheric states: made by :func:`load_distance`.

    The distance of two states is the mean over all activations of an encoder's layer of their squared
    difference, weighted by area, times the layer's scale from the model card. The scale gives it the
    magnitude of the mean squared error of normalised fields at long lags, so the two can be compared; like
    that error it has no unit.

    Attributes
    ----------
    card : ModelCard
        Of the model.
    name : str
        Of the model.
    layers : tuple of str
        Where distances can be measured, from fine to coarse.
    inference : EncoderInference
        The network at work.
    """

    def __init__(
        self,
        card: ModelCard,
        network: DistanceNetwork,
        device: Any,
        precision: Precision,
        engine: Engine = "torch",
    ) -> None:
        if card.normalization is None:
            raise UserError(
                f"Expected a normalisation in the card of {card.name!r}, found none: correct the card."
            )
        self.card = card
        self.name = card.name
        self.layers = network.encoder.config.layers
        self.precision = precision
        self._classifier = network.classifier.config
        self.inference = EncoderInference(network, card.normalization, device, precision, engine)
        self._warned: set[str] = set()

    def embed(
        self,
        fields: xr.Dataset,
        *,
        layer: str | None = None,
        pooled: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> xr.DataArray:
        """Return the activations of every time.

        Parameters
        ----------
        fields : xarray.Dataset
            Canonical, of any region with at least as many points along each side as lie between two points
            of the layer (4 at stage1, doubling with every stage).
        layer : str, optional
            Of :attr:`layers`; default: the last.
        pooled : bool
            Average over the region, so that regions of any size give vectors of the same length.
        progress, cancel : callable, optional
            As for a :class:`~atmodist_core.inference.downscaler.Downscaler`.

        Returns
        -------
        xarray.DataArray
            Dimensionless, over ``(time, feature, row, column)``, or ``(time, feature)`` when pooled.
        """
        arrays = self._arrays(fields)
        layer = self._layer(layer)
        domain = self._domain(arrays)
        watch = ProgressWatch(self.name, arrays.time_count, progress, cancel)
        values = self._embedded(arrays, layer, range(arrays.time_count), watch, domain)
        if domain is not None:
            values[:, :, self._weights(arrays, layer, domain) == 0] = np.nan
        values = np.nanmean(values, axis=(2, 3)) if pooled else values
        dimensions = ("time", "feature") if pooled else ("time", "feature", "row", "column")
        return self._array(values, dimensions, arrays, layer, f"activations of {layer}", "embedding")

    def distance(
        self,
        a: xr.Dataset,
        b: xr.Dataset,
        *,
        layer: str | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> xr.DataArray:
        """Return the distance of two series of states, pair by pair.

        Parameters
        ----------
        a, b : xarray.Dataset
            Canonical, on the same grid. Times are paired in order, whatever their dates; a single time of
            one is compared with every time of the other.
        layer : str, optional
            Of :attr:`layers`; default: the last.
        progress, cancel : callable, optional
            As for a :class:`~atmodist_core.inference.downscaler.Downscaler`.

        Returns
        -------
        xarray.DataArray
            Dimensionless, over ``time`` (that of ``a``, or of ``b`` where ``a`` is a single time).

        Raises
        ------
        UserError
            When the grids or numbers of times differ, or a field does not fit.
        """
        first, second, pairs = self._pairs(a, b)
        domain = self._domain(first, second)
        layer = self._layer(layer)
        encodings = first.time_count + second.time_count
        watch = ProgressWatch(self.name, encodings, progress, cancel)
        values = np.empty(len(pairs))
        kept: dict[tuple[int, int], NDArray[np.float32]] = {}
        weights = self._weights(first, layer, domain)
        for number, pair in enumerate(pairs):
            for side, (arrays, time) in enumerate(zip((first, second), pair, strict=True)):
                if (side, time) not in kept:
                    # Only a single time that meets every other is worth keeping.
                    kept = {key: value for key, value in kept.items() if key[0] != side}
                    kept[side, time] = self._embedded(arrays, layer, (time,), watch, domain)[0]
            squares = np.square(kept[0, pair[0]] - kept[1, pair[1]], dtype=np.float64).mean(axis=0)
            values[number] = (squares * weights).sum()
        timed = first if first.time_count >= second.time_count else second
        return self._array(values * self._scale(layer), ("time",), timed, layer, *_DISTANCE)

    def matrix(
        self,
        fields: xr.Dataset,
        other: xr.Dataset | None = None,
        *,
        layer: str | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> xr.DataArray:
        """Return the distances between all times.

        Every state is encoded once where the embeddings fit into 512 MiB, else once for every block of
        times that do.

        Parameters
        ----------
        fields : xarray.Dataset
            Canonical.
        other : xarray.Dataset, optional
            On the same grid; default: ``fields`` itself.
        layer : str, optional
            Of :attr:`layers`; default: the last.
        progress, cancel : callable, optional
            As for a :class:`~atmodist_core.inference.downscaler.Downscaler`.

        Returns
        -------
        xarray.DataArray
            Dimensionless, over ``(time, other_time)``; without ``other`` symmetric with a diagonal of zeros.
        """
        arrays = self._arrays(fields)
        columns = arrays if other is None else self._arrays(other)
        require_one_grid(arrays, columns)
        layer = self._layer(layer)
        domain = self._domain(arrays, columns)
        weights = self._weights(arrays, layer, domain)
        activations = self.inference.activation_count(Boundaries.of(arrays.latitude, arrays.longitude), layer)
        rows, others = (time_blocks(each.time_count, activations) for each in (arrays, columns))
        symmetric = other is None
        watch = ProgressWatch(self.name, states_to_encode(rows, others, symmetric), progress, cancel)
        values = np.zeros((arrays.time_count, columns.time_count))
        for i, row in enumerate(rows):
            encoded = self._embedded(arrays, layer, row, watch, domain)
            for j, column in enumerate(others):
                if symmetric and j < i:
                    continue
                same = symmetric and j == i
                compared = encoded if same else self._embedded(columns, layer, column, watch, domain)
                part = mean_squared_differences(encoded, compared, weights)
                if same:
                    np.fill_diagonal(part, 0.0)
                values[row.start : row.stop, column.start : column.stop] = part
                if symmetric:
                    values[column.start : column.stop, row.start : row.stop] = part.T
        result = self._array(values * self._scale(layer), ("time", "other_time"), arrays, layer, *_DISTANCE)
        if "time" in columns.dataset.coords:
            result = result.assign_coords(other_time=("other_time", columns.dataset["time"].values))
        return result

    def predict_lag(
        self,
        earlier: xr.Dataset,
        later: xr.Dataset,
        *,
        region: Any = None,
        per_patch: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> xr.Dataset:
        """Predict how much time lies between two states: the task that the network was trained on.

        The fields are covered with patches of the training's size, whose probabilities are averaged.

        Parameters
        ----------
        earlier, later : xarray.Dataset
            Canonical, on the same grid, at least of the patch size. Times are paired as for :meth:`distance`.
        region : Region, str or sequence, optional
            Part of the fields to cover, by name, as a :class:`~atmodist_core.Region` or its four bounds. Where it is
            smaller than a patch, patches reach into its real surroundings.
        per_patch : bool
            Keep the patches apart instead of averaging: shows how the guess varies over the globe.
        progress, cancel : callable, optional
            As for a :class:`~atmodist_core.inference.downscaler.Downscaler`.

        Returns
        -------
        xarray.Dataset
            ``probability`` over ``(time, [patch,] lag)``, and the ``most_likely`` and the ``expected``
            lag [h].
        """
        area = as_region(region)
        if area is not None:
            size = self._classifier.patch_size
            earlier, later = (with_surroundings(each, area, size) for each in (earlier, later))
        first, second, pairs = self._pairs(earlier, later)
        domain = self._domain(first, second)
        cover = PatchCover.of(first.latitude, first.longitude, self._classifier.patch_size, domain)
        watch = ProgressWatch(self.name, len(pairs), progress, cancel)
        lags = np.array(self._classifier.lags_hours, dtype=np.float64)
        probability = np.empty((len(pairs), cover.count, lags.size))
        for number, (time_a, time_b) in enumerate(pairs):
            watch.before()
            probability[number] = self.inference.lag_probabilities(
                cover.cut(first.read(time_a, domain)), cover.cut(second.read(time_b, domain))
            )
            watch.done()
        timed = first if first.time_count >= second.time_count else second
        result = lag_prediction(probability, lags, cover, per_patch=per_patch)
        result.attrs["model"] = self.name
        return result.assign_coords(time=timed.dataset["time"]) if "time" in timed.dataset.coords else result

    def applicability(self, fields: xr.Dataset) -> str | None:
        """Say in one sentence how fields differ from the training fields; None where they do not."""
        return applicability_sentence(self.card, FieldArrays.of(fields, self.card.channels, self.name))

    def _arrays(self, fields: xr.Dataset) -> FieldArrays:
        arrays = FieldArrays.of(fields, self.card.channels, self.name)
        sentence = applicability_sentence(self.card, arrays)
        if sentence is not None and sentence not in self._warned:
            self._warned.add(sentence)
            warnings.warn(sentence, AtmodistWarning, stacklevel=4)
        return arrays

    def _layer(self, layer: str | None) -> str:
        return self.inference.config.check_layer(self.layers[-1] if layer is None else layer)

    def _scale(self, layer: str) -> float:
        return float(self.card.distance_scale.get(layer, 1.0))

    def _domain(self, *both: FieldArrays) -> Mask | None:
        """Points with values at the first times, None where all have; the other times must have values there."""
        valid = np.logical_and.reduce([arrays.read_filled(0)[1] for arrays in both])
        if valid.all():
            return None
        if not valid.any():
            raise UserError("Expected fields with values at common points, found none; choose one area.")
        return valid

    def _weights(self, arrays: FieldArrays, layer: str, domain: Mask | None) -> NDArray[np.float64]:
        shape = (
            math.ceil(axis.size / self.inference.config.stride(layer))
            for axis in (arrays.latitude, arrays.longitude)
        )
        return activation_weights(arrays.latitude, arrays.longitude.size, tuple(shape), domain)

    def _pairs(self, a: xr.Dataset, b: xr.Dataset) -> tuple[FieldArrays, FieldArrays, list[tuple[int, int]]]:
        first, second = self._arrays(a), self._arrays(b)
        require_one_grid(first, second)
        counts = first.time_count, second.time_count
        if counts[0] != counts[1] and 1 not in counts:
            raise UserError(
                f"Expected as many times in both fields, or a single one in either, found {counts[0]} and "
                f"{counts[1]}: select the times to compare, or use matrix for all pairs."
            )
        return first, second, [(n % counts[0], n % counts[1]) for n in range(max(counts))]

    def _embedded(
        self, arrays: FieldArrays, layer: str, times: Any, watch: ProgressWatch, domain: Mask | None
    ) -> NDArray[np.float32]:
        boundaries = Boundaries.of(arrays.latitude, arrays.longitude)
        encoded = []
        for time in times:
            watch.before()
            encoded.append(self.inference.activations(arrays.read(time, domain), boundaries, layer))
            watch.done()
        return np.stack(encoded)

    def _array(
        self,
        values: NDArray[Any],
        dimensions: tuple[str, ...],
        arrays: FieldArrays,
        layer: str,
        long_name: str,
        name: str,
    ) -> xr.DataArray:
        attributes: dict[str, Any] = {
            "units": "1",
            "long_name": long_name,
            "model": self.name,
            "layer": layer,
            "precision": self.precision,
        }
        if name == "atmodist_distance":
            attributes["scale"] = self._scale(layer)
            attributes["comment"] = (
                "dimensionless; scaled to the magnitude of the mean squared error of normalised fields"
                if layer in self.card.distance_scale
                else "dimensionless; the model card holds no scale for this layer, so it is not scaled"
            )
        result = xr.DataArray(values, dims=dimensions, name=name, attrs=attributes)
        return (
            result.assign_coords(time=arrays.dataset["time"]) if "time" in arrays.dataset.coords else result
        )


def load_distance(
    name_or_path: str | Path,
    *,
    device: Any = None,
    precision: Precision | Literal["auto"] = "float32",
    engine: Engine | None = None,
) -> AtmoDist:
    """Load a distance.

    Parameters
    ----------
    name_or_path : str or path
        A name of :func:`atmodist_core.list_models` such as ``"atmodist-23"``, a model's folder, or a web
        address such as ``"https://host/model"``.
    device : str or torch.device, optional
        Where to compute; default: a GPU where there is one, else the CPU.
    precision : {"float32", "bfloat16", "auto"}
        ``auto`` takes bfloat16 where the hardware computes with it: faster, but small distances lose
        accuracy.
    engine : {"torch", "openvino"}, optional
        As for :func:`atmodist_core.load_downscaler`.

    Returns
    -------
    AtmoDist

    Raises
    ------
    UserError
        When there is no such model, it is no distance, or its files are broken.
    """
    folder = local_model(name_or_path)
    read_card_of("distance", folder)
    runner, chosen, resolved = resolve_engine(engine, device, precision)
    return AtmoDist(*cast(tuple[ModelCard, DistanceNetwork], load_network(folder)), chosen, resolved, runner)
