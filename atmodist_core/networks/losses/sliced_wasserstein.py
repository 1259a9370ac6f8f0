"""The sliced Wasserstein distance of small patches: do the same local patterns occur as often?"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.losses.content import ContentLoss
from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.networks.normalization import SignedLogNormalization


def sliced_wasserstein(prediction: Tensor, target: Tensor, directions: Tensor, stride: int = 1) -> Tensor:
    """Return the mean Wasserstein-1 distance of the patches of two batches along directions.

    All patches of all places of a batch are one sample of a distribution of vectors. Along a direction it is one of numbers, for
    which the distance is the mean difference of the sorted values (Bonneel et al. 2015, doi:10.1007/s10851-014-0506-3).

    Parameters
    ----------
    prediction, target : Tensor
        Fields ``(batch, channels, height, width)``.
    directions : Tensor
        ``(directions, channels, side, side)``: a projection of all patches is one convolution.
    stride : int
        Points between two patches.
    """
    found, wanted = (
        functional.conv2d(fields, directions, stride=stride).transpose(0, 1).flatten(1).sort(dim=1).values
        for fields in (prediction, target)
    )
    return (found - wanted).abs().mean()


class SlicedWassersteinLoss(ContentLoss):
    """Sliced Wasserstein distance of patches of standardised physical fields, whatever their places.

    Each step has other directions of norm 1, drawn from seed and step, so that a resumed run and all processes draw alike.

    Parameters
    ----------
    normalization : SignedLogNormalization
        Of the fields.
    side : int
        Of the patches [points].
    directions : int
        Drawn at each step.
    stride : int
        Points between two patches.
    seed : int
        Of the draws.
    """

    def __init__(
        self,
        normalization: SignedLogNormalization,
        side: int = 7,
        directions: int = 24,
        stride: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.normalization, self.side, self.directions, self.stride = normalization, side, directions, stride
        self.seed, self.step = seed, 0

    def at(self, step: int) -> None:
        """Choose the directions of a step."""
        self.step = step

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the distance of two batches ``(batch, channels, size, size)``, in standard deviations."""
        random = np.random.Generator(np.random.Philox(key=[self.seed, 0], counter=[0, 0, 3, self.step]))
        drawn = random.standard_normal((self.directions, prediction.shape[1] * self.side**2))
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        shape = (self.directions, prediction.shape[1], self.side, self.side)
        directions = torch.from_numpy(drawn.astype(np.float32)).reshape(shape).to(prediction.device)
        with torch.autocast(prediction.device.type, enabled=False):
            found, wanted = (standardized(fields, self.normalization) for fields in (prediction, target))
            return sliced_wasserstein(found, wanted, directions, self.stride)
