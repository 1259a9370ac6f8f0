"""The encoder of a distance network at work: physical fields in, activations out."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.inference.devices import Engine, Precision, channels_last, full_float32
from atmodist_core.networks import DistanceNetwork, Encoder
from atmodist_core.networks.encoder import ResidualBlock
from atmodist_core.networks.normalization import SignedLogNormalization


class EncoderInference:
    """Run a copy of a trained distance network on physical fields; the classifier is always torch's."""

    def __init__(
        self,
        network: DistanceNetwork,
        normalization: SignedLogNormalization,
        device: torch.device,
        precision: Precision,
        engine: Engine = "torch",
    ) -> None:
        self.normalization = normalization
        self.device = device
        self.config = network.encoder.config
        frozen = copy.deepcopy(network).requires_grad_(False).eval()
        # OpenVINO takes and gives float32 in rows, and converts within.
        is_narrow = precision == "bfloat16" and engine == "torch"
        self.dtype = torch.bfloat16 if is_narrow else torch.float32
        self._layout = torch.contiguous_format if engine == "openvino" else torch.channels_last
        if engine == "openvino":
            from atmodist_core.inference.openvino_networks import OpenvinoEncoder

            # Not by assignment, as it is another class with the same interface.
            frozen.add_module("encoder", OpenvinoEncoder(frozen.encoder, precision))
        else:
            fold_normalization(frozen.encoder)
        self.network = channels_last(frozen.to(device=device, dtype=self.dtype))

    def activations(
        self, fields: NDArray[np.float32], boundaries: Boundaries, layer: str
    ) -> NDArray[np.float32]:
        """Encode one state, shape ``(channel, latitude, longitude)``, as ``(filters, rows, columns)``."""
        return self.activations_of(fields, boundaries, (layer,))[layer]

    @torch.inference_mode()
    def activations_of(
        self, fields: NDArray[np.float32], boundaries: Boundaries, layers: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Encode one state at several layers, from fine to coarse, in one pass.

        A full circle of longitudes is continued on both sides by half a training patch, whose activations are
        dropped again: no seam shows. The other edges meet the zeros that the network saw around every patch
        in training. Fields smaller than the distance between two points of the layer are a UserError.
        """
        layer = layers[-1]
        self.activation_shape(boundaries, layer)  # refuses fields that are too small
        margin = 0
        if boundaries.wraps:
            # A multiple of the coarsest stride keeps the activations on the same points.
            unit = self.config.stride()
            margin = unit * math.ceil(self.config.receptive_radius(layer) / unit)
        window = boundaries.gather(fields, (0, boundaries.rows), (-margin, boundaries.columns + margin))
        with full_float32(self.device):
            encoded = self.network.encoder.features(self._prepared(window[None]), layers)
        found = {}
        for layer in layers:
            first, count = margin // self.config.stride(layer), self.activation_shape(boundaries, layer)[2]
            found[layer] = encoded[layer][0, :, :, first : first + count].float().cpu().numpy()
        return found

    def activation_count(self, boundaries: Boundaries, layer: str) -> int:
        """Return the number of activations of one state on a grid."""
        return math.prod(self.activation_shape(boundaries, layer))

    def activation_shape(self, boundaries: Boundaries, layer: str) -> tuple[int, int, int]:
        """Return filters, rows and columns of one state's activations; UserError for fields smaller than their spacing."""
        stride = self.config.stride(layer)
        if min(boundaries.rows, boundaries.columns) < stride:
            raise UserError(
                f"Expected fields of at least {stride} x {stride} points for {layer} of the encoder, found "
                f"{boundaries.rows} x {boundaries.columns}: choose a larger region or an earlier layer."
            )
        rows, columns = (math.ceil(points / stride) for points in (boundaries.rows, boundaries.columns))
        return self.config.filters(layer), rows, columns

    @torch.inference_mode()
    def encode_patches(self, patches: NDArray[np.float32]) -> Tensor:
        """Encode physical patches ``(patch, channel, size, size)`` as ``(patch, filters, rows, columns)``."""
        with full_float32(self.device):
            parts = [patches[start : start + 64] for start in range(0, len(patches), 64)]
            return torch.cat([self.network.encoder(self._prepared(part)) for part in parts])

    @torch.inference_mode()
    def classify(self, earlier: Tensor, later: Tensor) -> NDArray[np.float64]:
        """Return the probability of every lag for pairs of encoded patches, shape (patch, classes)."""
        with full_float32(self.device):
            return self.network.classifier(earlier, later).double().softmax(dim=1).cpu().numpy()

    @torch.inference_mode()
    def lag_probabilities(
        self, earlier: NDArray[np.float32], later: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the probability of every lag, ``(patch, classes)``, for pairs of physical patches.

        Patches have the shape ``(patch, channel, size, size)`` with the classifier's patch size.
        """
        found = []
        with full_float32(self.device):
            for start in range(0, len(earlier), 64):
                pair = (self._prepared(patches[start : start + 64]) for patches in (earlier, later))
                found.append(self.network(*pair).double().softmax(dim=1).cpu().numpy())
        return np.concatenate(found)

    def _prepared(self, fields: NDArray[np.float32]) -> Tensor:
        normalized = self.normalization.normalize(torch.from_numpy(fields))
        return normalized.to(device=self.device, dtype=self.dtype, memory_format=self._layout)


def fold_normalization(encoder: Encoder) -> None:
    """Put every batch normalisation into the convolution before it, in place: a pass over the data less for each."""
    encoder.stem = fuse_conv_bn_eval(encoder.stem, encoder.stem_norm)
    encoder.add_module("stem_norm", nn.Identity())
    for block in encoder.modules():
        if isinstance(block, ResidualBlock):
            block.conv1 = fuse_conv_bn_eval(block.conv1, block.norm1)
            block.conv2 = fuse_conv_bn_eval(block.conv2, block.norm2)
            block.add_module("norm1", nn.Identity())
            block.add_module("norm2", nn.Identity())
