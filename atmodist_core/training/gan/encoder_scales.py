"""The scale s of an encoder that has none: an untrained one, the control of the content losses."""

import numpy as np
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.networks import Encoder, EncoderConfig
from atmodist_core.networks.layers import measured_statistics
from atmodist_core.networks.losses.content import mean_squared_activation_difference
from atmodist_core.training.data import patches
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids
from atmodist_core.training.data.training_data import TrainingData

_LAGS, _LAG_HOURS = 23, 3
_BATCH = 32


def untrained_encoder(channels: int, seed: int) -> Encoder:
    """The published encoder with random weights; the random state of others is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(EncoderConfig(channels=channels))


@torch.no_grad()
def matched_scales(
    encoder: Encoder, data: TrainingData, layers: tuple[str, ...], *, patch_size: int, pairs: int, seed: int
) -> dict[str, float]:
    """Measure the running statistics of an untrained encoder and then the scale s of its layers.

    Both on training pairs: the statistics of batch normalisation over the patches of all lags, as training
    would have left them; then s over the upper half of the lags 3, 6, ... 69 h, as for a trained distance.
    """
    fields = data.training_fields
    if isinstance(fields, FieldsOfGrids):
        raise UserError(
            "Expected data on one grid for the scale of an untrained encoder, found several; train on one, or choose a"
            " trained encoder."
        )
    stride = patches.lag_stride(fields.members, _LAG_HOURS)
    sampler = patches.PatchSampler(
        fields, data.training, patch_size=patch_size, seed=seed, stream=patches.MATCHING_STREAM
    )
    upper = range(_LAGS // 2, _LAGS)

    def batches(label: int) -> list[torch.Tensor]:
        found = []
        for number, first in enumerate(range(0, pairs, _BATCH)):
            places = sampler.pairs(
                label * (pairs // _BATCH + 1) + number,
                min(_BATCH, pairs - first),
                classes=_LAGS,
                stride=stride,
                label=label,
            )
            earlier, later, _ = patches.cut_pairs(fields, places, patch_size, stride)
            found += [data.normalization.normalize(earlier), data.normalization.normalize(later)]
        return found

    with measured_statistics(encoder):
        for label in upper:
            for batch in batches(label):
                encoder(batch)

    distances: dict[str, list[float]] = {layer: [] for layer in (*layers, "mse")}
    for label in upper:
        both = batches(label)
        found: dict[str, list[torch.Tensor]] = {name: [] for name in distances}
        for earlier, later in zip(both[::2], both[1::2], strict=True):
            found["mse"].append((earlier - later).square().mean(dim=(1, 2, 3)))
            a, b = encoder.features(earlier, layers), encoder.features(later, layers)
            for layer in layers:
                found[layer].append(mean_squared_activation_difference(a[layer], b[layer]))
        for name, parts in found.items():
            distances[name].append(float(torch.cat(parts).double().mean()))
    # s of losses.distance_scale, of whose lags only these, the upper half, count.
    d = {name: np.array(values) for name, values in distances.items()}
    return {layer: float((d[layer] * d["mse"]).sum() / np.square(d[layer]).sum()) for layer in layers}
