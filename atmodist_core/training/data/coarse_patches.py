"""Pairs of coarse and fine patches: what a generator is given, and what it should answer."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.configuration import DownscalingConfig
from atmodist_core.training.data import patches
from atmodist_core.training.data.sharpness import Smoothing, TrainingSharpness, smoothed
from atmodist_core.training.data.training_data import TrainingData


class DownscalingBatch(NamedTuple):
    """Normalised patches of the same places, and the relative areas of the fine rows ``(batch, size)``.

    ``coarse`` is ``(batch, channel, size / factor, size / factor)``: the area-weighted block mean of the
    physical field, then normalised; or, with ``pool_normalized``, the plain mean of the normalised field.
    ``fine`` is ``(batch, channel, size, size)``. ``condition`` is what the generator is told of them, ``(batch, number)``: nothing for most.
    """

    coarse: Tensor
    fine: Tensor
    area: Tensor
    condition: Tensor


def downscaling_batch(
    data: TrainingData,
    places: patches.Places,
    config: DownscalingConfig,
    *,
    training: bool,
    sharpness: TrainingSharpness | None = None,
    smoothing: Smoothing | None = None,
) -> DownscalingBatch:
    """Cut the patches of some places out of the training or the held-out fields, and smooth them where that is wanted."""
    fields = data.training_fields if training else data.held_out_fields
    size = config.data.patch_size
    physical = patches.cut(fields, places.time, places, size)
    condition = torch.empty(len(physical), 0, device=physical.device)
    if sharpness is not None:
        condition = torch.from_numpy(sharpness.at(places.time, smoothing)).to(physical.device)
    fine = data.normalization.normalize(physical)
    area = patches.patch_row_areas(fields, places, size)
    if config.pool_normalized:
        return DownscalingBatch(functional.avg_pool2d(fine, config.factor), fine, area, condition)
    if smoothing is not None:
        stretch = fields.stretch(places.time, places.row, size)
        physical = smoothed(physical, area, stretch, smoothing, config.factor)
        fine = data.normalization.normalize(physical)
    coarse = data.normalization.normalize(block_means(physical, area, config.factor))
    return DownscalingBatch(coarse.contiguous(memory_format=torch.channels_last), fine, area, condition)
