"""A trained flow at work: physical coarse fields and noise in, one draw of the physical fine fields out."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.inference.devices import Precision, channels_last, full_float32
from atmodist_core.inference.generator_inference import WORKING_MEMORY
from atmodist_core.networks import Generator, PhysicalOutput
from atmodist_core.networks.flow_network import FlowNetwork, flow_input, integrate
from atmodist_core.networks.normalization import SignedLogNormalization

if TYPE_CHECKING:
    from atmodist_core.fields.grid.grid_noise import NoiseWindow

FLOW_HALO = 16
"""Coarse points around a tile, and as many as the output layers reach. All points that a draw depends on are far more, as every estimate
sees the neighbourhood of the one before; docs/rivals.md has the error that is left."""
_FINE_ACTIVATIONS = 4


class FlowInference:
    """Draw from a copy of a trained flow, window by window, as ``tiling.Enlarger``.

    The noise is tied to places, so that windows that overlap see the same; see :mod:`atmodist_core.fields.grid.grid_noise`.
    """

    takes_noise = True
    condition_channels = 0

    def __init__(
        self,
        network: FlowNetwork,
        normalization: SignedLogNormalization,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.normalization, self.device = normalization, device
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        network = copy.deepcopy(network).requires_grad_(False).eval()
        self.network = channels_last(network.to(device=device, dtype=self.dtype))
        self.config = network.generator.config
        self.outputs = {
            net: PhysicalOutput(net.config, normalization)
            for net in (self.network.mean, self.network.generator)
        }

    @property
    def factor(self) -> int:
        """Fine points per coarse point along each axis."""
        return self.config.factor

    @property
    def radius(self) -> int:
        """Coarse points around a tile that are taken into account."""
        return FLOW_HALO + math.ceil(self.config.output_radius)

    @property
    def largest_window(self) -> int:
        """Coarse points of a window whose fine activations fit into the working memory."""
        values = self.config.filters * self.factor**2 * _FINE_ACTIVATIONS
        return WORKING_MEMORY // (values * self.dtype.itemsize)

    @torch.inference_mode()
    def __call__(
        self,
        window: NDArray[np.float32],
        inner: tuple[slice, slice],
        check: Callable[[], None],
        area: NDArray[np.float32],
        noise: NoiseWindow | None = None,
    ) -> NDArray[np.float32]:
        """Draw the fine fields of a window's inner part; see ``tiling.Enlarger``."""
        assert noise is not None, "a flow starts from noise"
        fields = torch.from_numpy(np.ascontiguousarray(window))[None]
        rows, columns = window.shape[-2:]
        doublings = self.config.upsampling_steps
        drawn = noise.draw(self.config.channels, doublings, slice(0, rows), slice(0, columns))
        coarse, weights = self.normalization.normalize(fields), torch.from_numpy(area)[None]
        std = torch.tensor(self.network.config.residual_std).reshape(1, -1, 1, 1)

        def finished(network: Generator, given: torch.Tensor) -> torch.Tensor:
            check()
            given = given.to(self.device, self.dtype, memory_format=torch.channels_last)
            features = network.coarse_features(given, check)
            fine = network.refine(features, given).float().cpu()
            return self.outputs[network](fine, coarse, weights)

        with full_float32(self.device):
            mean = finished(self.network.mean, coarse)

            def estimate(state: torch.Tensor, time: float) -> torch.Tensor:
                given = flow_input(coarse, state, torch.tensor([time]))
                return (finished(self.network.generator, given) - mean) / std

            options = self.network.config
            residual = integrate(estimate, torch.from_numpy(drawn)[None], options.steps, options.solver)
            physical = self.normalization.denormalize(mean + std * residual)[0]
        part = [slice(p.start * self.factor, p.stop * self.factor) for p in inner]
        return physical[:, part[0], part[1]].contiguous().numpy()
