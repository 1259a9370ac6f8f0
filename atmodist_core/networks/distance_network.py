"""The siamese network of the pretext task: how far apart in time are two fields?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.encoder import Encoder
from atmodist_core.networks.initialization import initialize_convolutions_he_
from atmodist_core.networks.layers import SameConv2d, batch_norm


@dataclass(frozen=True)
class LagClassifierConfig(NetworkConfig):
    """Shape and meaning of a :class:`LagClassifier`; the defaults are the published one (469,632 parameters).

    Class ``k`` (from 0) stands for a lag of ``(k + 1) * lag_step_hours`` [h].
    """

    classes: int = 23
    lag_step_hours: int = 3
    patch_size: int = 160
    encoder_channels: int = 128
    encoder_stride: int = 32  # patch points between two points of an encoded field
    filters: int = 128
    ordered: bool = False  # lags as ordered classes, by one number and thresholds

    def __post_init__(self) -> None:
        self._require_counts(
            "classes", "lag_step_hours", "patch_size", "encoder_channels", "encoder_stride", "filters"
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build the configuration from plain values; cards of earlier versions say ``lead`` for lag."""
        if isinstance(values, Mapping) and "lead_step_hours" in values:
            values = {key.replace("lead_step", "lag_step"): value for key, value in values.items()}
        return super().from_dict(values)

    @property
    def lags_hours(self) -> tuple[int, ...]:
        """The lag that each class stands for [h]."""
        return tuple(self.lag_step_hours * number for number in range(1, self.classes + 1))

    @property
    def encoded_size(self) -> int:
        """Points along each side of an encoded patch."""
        return math.ceil(self.patch_size / self.encoder_stride)


class LagClassifier(nn.Module):
    """Tail of the distance network: two encoded patches to one logit per lag.

    Both convolutions keep a bias although batch normalisation follows, and the dense layer has none: the
    published parameter count says so.
    """

    def __init__(self, config: LagClassifierConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LagClassifierConfig()
        self.conv1 = SameConv2d(2 * config.encoder_channels, config.filters, 3, stride=2)
        self.norm1 = batch_norm(config.filters)
        self.conv2 = SameConv2d(config.filters, config.filters, 3)
        self.norm2 = batch_norm(config.filters)
        points = math.ceil(config.encoded_size / 2) ** 2
        outputs = 1 if config.ordered else config.classes
        self.dense = nn.Linear(config.filters * points, outputs, bias=False)
        if config.ordered:
            share = torch.arange(1, config.classes, dtype=torch.float64) / config.classes
            thresholds = torch.logit(share).float()
            self.first_threshold = nn.Parameter(thresholds[:1].clone())
            # The inverse of softplus, which keeps thresholds in order.
            self.threshold_gaps = nn.Parameter(torch.log(torch.expm1(thresholds.diff())))
        initialize_convolutions_he_(self)
        nn.init.xavier_uniform_(self.dense.weight)

    def forward(self, encoded_a: Tensor, encoded_b: Tensor) -> Tensor:
        """Classify encoded patches, each ``(batch, encoder_channels, encoded_size, encoded_size)``.

        The earlier patch comes first; logits are ``(batch, classes)``.
        """
        x = torch.cat((encoded_a, encoded_b), dim=1)
        x = functional.relu(self.norm1(self.conv1(x)))
        x = functional.relu(self.norm2(self.conv2(x)))
        answer = self.dense(x.flatten(1))
        if not self.config.ordered:
            return answer
        gaps = functional.softplus(self.threshold_gaps)
        return ordered_log_probabilities(answer, torch.cat((self.first_threshold, gaps)).cumsum(0))


def ordered_log_probabilities(score: Tensor, thresholds: Tensor) -> Tensor:
    """Return the logarithms of the probabilities of ordered classes, ``(batch, classes)``.

    Cumulative logits (McCullagh 1980): class k or less has the probability sigmoid(c_k - s), with one score s ``(batch, 1)`` and
    increasing thresholds c ``(classes - 1,)``. Their cross-entropy is the likelihood, and a miss by many classes costs more.

    Examples
    --------
    >>> round(ordered_log_probabilities(torch.zeros(1, 1), torch.tensor([-1.0, 1.0])).exp().sum().item(), 5)
    1.0
    """
    z = (thresholds - score).float()
    below = functional.logsigmoid(z[:, :1])
    above = functional.logsigmoid(-z[:, -1:])
    # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)), without cancellation.
    a, b = z[:, :-1], z[:, 1:]
    between = functional.logsigmoid(b) + functional.logsigmoid(-a) + torch.log(-torch.expm1(a - b))
    return torch.cat((below, between, above), dim=1)


class DistanceNetwork(nn.Module):
    """Encoder, shared by both fields, and classifier of the pretext task."""

    def __init__(self, encoder: Encoder, classifier: LagClassifier) -> None:
        super().__init__()
        given = classifier.config.encoder_channels, classifier.config.encoder_stride
        made = encoder.config.output_channels, encoder.config.stride()
        if given != made:
            raise UserError(
                f"Expected a classifier for the encoder's {made[0]} channels at stride {made[1]}, found one "
                "for "
                f"{given[0]} channels at stride {given[1]}: set encoder_channels and encoder_stride to match."
            )
        self.encoder = encoder
        self.classifier = classifier

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return a logit per lag, ``(batch, classes)``; class ``k`` is a lag of ``(k + 1) * lag_step_hours``.

        Earlier and later patches are normalised, ``(batch, channels, patch_size, patch_size)``. Both go
        through the encoder as one batch: it is faster than two passes, and batch normalisation then sees both
        under one set of statistics.
        """
        if not torch.compiler.is_compiling():
            size = self.classifier.config.patch_size
            if a.shape != b.shape or a.ndim != 4 or a.shape[-2:] != (size, size):
                raise ValueError(
                    f"Expected two patches (batch, {self.encoder.config.channels}, {size}, {size}), found "
                    f"{tuple(a.shape)} and {tuple(b.shape)}: cut both fields to the classifier's patch size."
                )
        encoded_a, encoded_b = self.encoder(torch.cat((a, b))).chunk(2)
        return self.classifier(encoded_a, encoded_b)
