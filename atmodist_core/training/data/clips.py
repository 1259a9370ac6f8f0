"""Clips: several times at one place, so that one pass of the encoder serves many pairs.

The encoder takes nearly all the time of a training step, the classifier next to none. From K encoded times of
a place K (K - 1) / 2 ordered pairs can be asked, not K / 2. With two times this is the published training: one
pair a place, the lag uniform over the classes.

With more, the times of a clip are an anchor and K - 1 different lags after it, uniform over the classes
C. The K - 1 pairs with the anchor are then uniform over the lags; the others, differences of two
different uniform lags, fall off linearly. In units of one step, a pair has the lag l with probability

    f(l) = 2 / K * 1 / C  +  (1 - 2 / K) * 2 (C - l) / (C (C - 1)),

and its loss is weighted by 1 / (C f(l)): the expected loss is that of uniform lags, whatever K.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from atmodist_core.common.errors import UserError
from atmodist_core.networks import DistanceNetwork
from atmodist_core.training.data.patches import PatchSampler, Places, cut
from atmodist_core.training.data.training_fields import TrainingFields


class Clips(NamedTuple):
    """Places with several times each."""

    places: Places  # where, and when the first time is; (places,)
    offsets: NDArray[np.int64]  # lag steps from the first time, increasing from 0; (places, times)

    def part(self, rank: int, ranks: int) -> "Clips":
        """The share of one process among many: every ``ranks``-th place."""
        return Clips(self.places.part(rank, ranks), self.offsets[rank::ranks])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class (lag - 1) of every pair of :func:`ordered_pairs`, shape ``(pairs of times * places,)``."""
        earlier, later = np.array(ordered_pairs(self.offsets.shape[1])).T
        lags = self.offsets[:, later] - self.offsets[:, earlier]
        return np.ascontiguousarray(lags.T).reshape(-1) - 1


def ordered_pairs(times: int) -> list[tuple[int, int]]:
    """Numbers of the earlier and the later time of every pair.

    Examples
    --------
    >>> ordered_pairs(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    return list(combinations(range(times), 2))


def lag_frequencies(classes: int, times: int) -> NDArray[np.float64]:
    """Probability of every lag of a random pair of a random clip, shape ``(classes,)``.

    Examples
    --------
    >>> lag_frequencies(4, 2).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    lags = np.arange(1, classes + 1)
    triangle = 2.0 * (classes - lags) / (classes * (classes - 1))
    with_anchor = 2.0 / times
    return with_anchor / classes + (1.0 - with_anchor) * triangle


def lag_weights(classes: int, times: int) -> NDArray[np.float64]:
    """Weight of a pair's loss by its class, ``1 / (C f)``: of mean one over the pairs drawn."""
    return 1.0 / (classes * lag_frequencies(classes, times))


def draw_clips(
    sampler: PatchSampler, step: int, places: int, *, classes: int, stride: int, times: int
) -> Clips:
    """Clips of a step, reproducible from the sampler's seed and stream and the step alone.

    Lags are 1 .. classes, of ``stride`` slices each. With two ``times`` they are the pairs of
    ``sampler.pairs``, to the bit; more than a window of ``classes`` steps has are a UserError.
    """
    if not 2 <= times <= classes + 1:
        raise UserError(
            f"Expected --times-per-place from 2 to {classes + 1} (all times of a window of {classes} lags),"
            f" found {times}."
        )
    if times == 2:
        pairs = sampler.pairs(step, places, classes=classes, stride=stride)
        return Clips(pairs, np.stack([np.zeros_like(pairs.label), pairs.label + 1], axis=1))
    # The whole window lies inside its segment, whichever lags are drawn.
    windows = sampler.pairs(step, places, classes=classes, stride=stride, label=classes - 1)
    # Another counter of the same key: numbers that the sampler has not drawn.
    key, counter = [sampler.seed, sampler.stream], [0, 0, 1, step]
    random = np.random.Generator(np.random.Philox(key=key, counter=counter))
    lags = random.permuted(np.tile(np.arange(1, classes + 1), (places, 1)), axis=1)[:, : times - 1]
    offsets = np.concatenate([np.zeros((places, 1), dtype=np.int64), np.sort(lags, axis=1)], axis=1)
    return Clips(windows, offsets)


def cut_clips(fields: TrainingFields, clips: Clips, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """All patches of clips ``(times * places, channel, size, size)``, all places of the first time first.

    And the labels of all their pairs, int64 ``(pairs of times * places,)``, in the order of
    :func:`ordered_pairs`.
    """
    patches = [
        cut(fields, clips.places.time + offset * stride, clips.places, size) for offset in clips.offsets.T
    ]
    return torch.cat(patches), torch.from_numpy(clips.labels).to(patches[0].device)


class ClipNetwork(nn.Module):
    """A distance network that answers for all pairs of a clip after one pass of its encoder."""

    def __init__(self, network: DistanceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, patches: Tensor, times: int) -> Tensor:
        """Logits ``(pairs of times * places, classes)`` for the patches of :func:`cut_clips`."""
        encoded = self.network.encoder(patches).chunk(times)
        if times == 2:
            return self.network.classifier(*encoded)
        earlier, later = zip(*ordered_pairs(times), strict=True)
        return self.network.classifier(
            torch.cat([encoded[number] for number in earlier]),
            torch.cat([encoded[number] for number in later]),
        )
