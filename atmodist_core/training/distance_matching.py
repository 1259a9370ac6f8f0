"""Distance matching: the factor that brings AtmoDist to the size of the mean squared error.

Over pairs of held-out patches, AtmoDist d_k at every stage of the encoder and the mean squared error m_k of
the normalised fields are averaged for each lag k; ``s = sum(d_k m_k) / sum(d_k^2)`` over the upper half of
the lags.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.losses import distance_scale, mean_squared_activation_difference
from atmodist_core.networks import Encoder
from atmodist_core.training.fields_in_memory import FieldsInMemory
from atmodist_core.training.held_out import pair_batches
from atmodist_core.training.patches import PatchSampler

_BATCH = 64


@dataclass(frozen=True)
class DistanceCurves:
    """Distances against the lag, means and standard deviations over pairs.

    Attributes
    ----------
    leads_hours
        Shape ``(leads,)`` [h].
    mean, std
        By metric (``mse`` and every encoder layer): shape ``(leads,)``, dimensionless, unscaled.
    """

    leads_hours: NDArray[np.float64]
    mean: dict[str, NDArray[np.float64]]
    std: dict[str, NDArray[np.float64]]

    def scales(self) -> dict[str, float]:
        """The scale s of every encoder layer against the mean squared error."""
        return {
            layer: distance_scale(values, self.mean["mse"], self.leads_hours)
            for layer, values in self.mean.items()
            if layer != "mse"
        }

    def saturation_hours(self, metric: str, share: float = 0.9) -> float:
        """First lag [h] at which a distance reaches a share of its value over the last quarter of lags."""
        values = self.mean[metric]
        plateau = values[-max(1, len(values) // 4) :].mean()
        return float(self.leads_hours[int(np.argmax(values >= share * plateau))])

    def write(self, path: Path) -> None:
        """Write the curves as CSV: ``lead_hours``, then mean and standard deviation of every metric."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["lead_hours", *(f"{m}_{kind}" for m in self.mean for kind in ("mean", "std"))])
            for i, lead in enumerate(self.leads_hours):
                numbers = [f"{table[m][i]:.6g}" for m in self.mean for table in (self.mean, self.std)]
                writer.writerow([f"{lead:g}", *numbers])


@torch.no_grad()
def measure_distance_curves(
    encoder: Encoder,
    fields: FieldsInMemory,
    sampler: PatchSampler,
    *,
    classes: int,
    lead_step_hours: float,
    stride: int,
    patch_size: int,
    pairs_per_lead: int,
) -> DistanceCurves:
    """Distances of held-out pairs at every lag and encoder layer, in float32.

    Parameters
    ----------
    encoder
        Trained; used in evaluation mode.
    fields
        Normalised fields.
    sampler
        Draws the pairs.
    classes, lead_step_hours, stride, patch_size
        Of the pretext task.
    pairs_per_lead
        Pairs averaged at each lag.
    """
    was_training = encoder.training
    encoder.eval()
    layers = encoder.config.layers
    metrics = ("mse", *layers)
    mean = {metric: np.zeros(classes) for metric in metrics}
    std = {metric: np.zeros(classes) for metric in metrics}
    for label in range(classes):
        found: dict[str, list[torch.Tensor]] = {metric: [] for metric in metrics}
        for earlier, later, _ in pair_batches(
            fields,
            sampler,
            pairs=pairs_per_lead,
            batch_size=_BATCH,
            patch_size=patch_size,
            classes=classes,
            stride=stride,
            label=label,
            first_step=label * (pairs_per_lead // _BATCH + 1),
        ):
            found["mse"].append((earlier - later).square().mean(dim=(1, 2, 3)))
            a, b = encoder.features(earlier, layers), encoder.features(later, layers)
            for layer in layers:
                found[layer].append(mean_squared_activation_difference(a[layer], b[layer]))
        for metric, parts in found.items():
            values = torch.cat(parts).cpu().double().numpy()
            mean[metric][label], std[metric][label] = values.mean(), values.std()
    encoder.train(was_training)
    return DistanceCurves(lead_step_hours * np.arange(1.0, classes + 1.0), mean, std)
