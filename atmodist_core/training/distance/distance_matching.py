"""Distance matching: the factor that brings AtmoDist to the size of the mean squared error.

Over pairs of held-out patches, AtmoDist d_k at every stage of the encoder and the mean squared error m_k of
the normalised fields are averaged for each lag k; ``s = sum(d_k m_k) / sum(d_k^2)`` over the upper half of
the lags.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.networks import Encoder
from atmodist_core.networks.losses.content import mean_squared_activation_difference
from atmodist_core.networks.losses.distance_scale import distance_scale
from atmodist_core.training.data.patches import MATCHING_STREAM, PatchSampler, cut_pairs
from atmodist_core.training.data.training_fields import TrainingFields

CURVES_OVER_LAG_NAME = "distance_curves.csv"
_BATCH = 64


@dataclass(frozen=True)
class DistanceCurves:
    """Distances against the lag, means and standard deviations over pairs, dimensionless and unscaled."""

    lags_hours: NDArray[np.float64]  # (lags,) [h]
    mean: dict[str, NDArray[np.float64]]  # by metric (mse and every encoder layer)
    std: dict[str, NDArray[np.float64]]

    def scales(self) -> dict[str, float]:
        """The scale s of every encoder layer against the mean squared error."""
        return {
            layer: distance_scale(values, self.mean["mse"], self.lags_hours)
            for layer, values in self.mean.items()
            if layer != "mse"
        }

    def saturation_hours(self, metric: str) -> float:
        """First lag [h] at which a distance reaches 90 % of its value over the last quarter of lags."""
        values = self.mean[metric]
        plateau = values[-max(1, len(values) // 4) :].mean()
        return float(self.lags_hours[int(np.argmax(values >= 0.9 * plateau))])

    def write(self, path: Path) -> None:
        """Write the curves as CSV: ``lag_hours``, then mean and standard deviation of every metric."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["lag_hours", *(f"{m}_{kind}" for m in self.mean for kind in ("mean", "std"))])
            for i, lag in enumerate(self.lags_hours):
                numbers = [f"{table[m][i]:.6g}" for m in self.mean for table in (self.mean, self.std)]
                writer.writerow([f"{lag:g}", *numbers])


@dataclass(frozen=True)
class LagDistances:
    """Distances of single pairs at every lag, dimensionless and unscaled."""

    values: dict[str, NDArray[np.float64]]  # by metric (mse and every encoder layer): (lags, pairs)
    times: NDArray[np.int64]  # of the earlier patch, position along the time axis, (lags, pairs)

    def curves(self, lags_hours: NDArray[np.float64]) -> DistanceCurves:
        """Means and standard deviations over pairs."""
        mean = {metric: table.mean(axis=1) for metric, table in self.values.items()}
        std = {metric: table.std(axis=1) for metric, table in self.values.items()}
        return DistanceCurves(lags_hours, mean, std)


@torch.no_grad()
def lag_distances(
    encoder: Encoder,
    fields: TrainingFields,
    sampler: PatchSampler,
    *,
    classes: int,
    stride: int,
    patch_size: int,
    pairs_per_lag: int,
) -> LagDistances:
    """Distances of pairs at every lag and encoder layer, in float32, the encoder in evaluation mode."""
    was_training = encoder.training
    encoder.eval()
    layers = encoder.config.layers
    batches = -(-pairs_per_lag // _BATCH)
    found: dict[str, list[list[torch.Tensor]]] = {metric: [] for metric in ("mse", *layers)}
    times = np.zeros((classes, pairs_per_lag), dtype=np.int64)
    for label in range(classes):
        for row in found.values():
            row.append([])
        for number in range(batches):
            first, last = number * _BATCH, min((number + 1) * _BATCH, pairs_per_lag)
            step = label * (pairs_per_lag // _BATCH + 1) + number
            places = sampler.pairs(step, last - first, classes=classes, stride=stride, label=label)
            times[label, first:last] = places.time
            earlier, later, _ = cut_pairs(fields, places, patch_size, stride)
            found["mse"][label].append((earlier - later).square().mean(dim=(1, 2, 3)))
            a, b = encoder.features(earlier, layers), encoder.features(later, layers)
            for layer in layers:
                found[layer][label].append(mean_squared_activation_difference(a[layer], b[layer]))
    encoder.train(was_training)
    values = {
        metric: np.stack([torch.cat(parts).cpu().double().numpy() for parts in rows])
        for metric, rows in found.items()
    }
    return LagDistances(values, times)


def measure_distance_curves(
    encoder: Encoder,
    fields: TrainingFields,
    sampler: PatchSampler,
    *,
    classes: int,
    lag_step_hours: float,
    stride: int,
    patch_size: int,
    pairs_per_lag: int,
) -> DistanceCurves:
    """Mean distances at every lag and encoder layer; see :func:`lag_distances`."""
    distances = lag_distances(
        encoder,
        fields,
        sampler,
        classes=classes,
        stride=stride,
        patch_size=patch_size,
        pairs_per_lag=pairs_per_lag,
    )
    return distances.curves(lag_step_hours * np.arange(1.0, classes + 1.0))


def held_out_distance_curves(trainer: Any, encoder: Encoder, lags: int, pairs_per_lag: int) -> DistanceCurves:
    """Mean distances on the held-out pairs of a trainer with a ``stride`` and a ``lag_step_hours``."""
    return measure_distance_curves(
        encoder,
        trainer.data.held_out_fields,
        trainer.make_sampler(MATCHING_STREAM),
        classes=lags,
        lag_step_hours=trainer.config.lag_step_hours,
        stride=trainer.stride,
        patch_size=trainer.config.data.patch_size,
        pairs_per_lag=pairs_per_lag,
    )
