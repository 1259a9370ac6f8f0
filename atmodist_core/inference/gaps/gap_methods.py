"""What fills the gaps of a field at one time: an interpolation, or a trained network in tiles."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.gap_interpolation import interpolated_gaps
from atmodist_core.fields.grid.grid_noise import GridNoise
from atmodist_core.inference.devices import Precision, channels_last, full_float32
from atmodist_core.inference.generator_inference import WORKING_MEMORY
from atmodist_core.inference.tiling import enlarge, plan_tiles
from atmodist_core.networks.gap_network import GapNetwork

if TYPE_CHECKING:
    from atmodist_core.fields.grid.grid_noise import NoiseWindow
    from atmodist_core.networks.normalization import SignedLogNormalization

_ACTIVATIONS = 6
"""Arrays of the size of one activation that live at once."""


class GapFilling(Protocol):
    """What fills the gaps of one time: physical fields ``(channel, rows, columns)``, NaN where a value is missing."""

    @property
    def takes_noise(self) -> bool:
        """Whether the values depend on noise, so that there are members."""

    def fill(
        self,
        fields: NDArray[np.float32],
        boundaries: Boundaries,
        latitude: NDArray[np.float64],
        noise: GridNoise | None,
        check: Callable[[], None],
    ) -> NDArray[np.float32]:
        """Return the fields with values in their gaps.

        Parameters
        ----------
        fields : ndarray, shape (channel, rows, columns)
            Physical, NaN where a value is missing.
        boundaries, latitude
            Of the grid.
        noise : GridNoise, optional
            Where noise is taken.
        check : callable
            Called often; raises to stop.
        """


class InterpolatedGapFilling:
    """Filling by interpolation."""

    takes_noise = False

    def __init__(self, method: str) -> None:
        self.method = method

    def fill(
        self,
        fields: NDArray[np.float32],
        boundaries: Boundaries,
        latitude: NDArray[np.float64],
        noise: GridNoise | None,
        check: Callable[[], None],
    ) -> NDArray[np.float32]:
        """Return the fields with values in their gaps; see :class:`GapFilling`."""
        missing = np.asarray(~np.isfinite(fields).all(axis=0))
        return interpolated_gaps(self.method, fields, missing, wraps=boundaries.wraps)


class NetworkGapFilling:
    """Filling by a trained network, in windows: an ``Enlarger`` of :mod:`atmodist_core.inference.tiling` with the factor 1.

    The network is the same at every point and each window holds all that it sees, so that windows leave no seams.
    """

    factor = 1

    def __init__(
        self,
        network: GapNetwork,
        normalization: SignedLogNormalization,
        device: torch.device,
        precision: Precision,
        tile: int | None = None,
    ) -> None:
        self.normalization, self.device, self.tile = normalization, device, tile
        self.config = network.config
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.network = channels_last(
            copy.deepcopy(network).requires_grad_(False).eval().to(device=device, dtype=self.dtype)
        )

    @property
    def radius(self) -> int:
        """How far [points] an input point can be from an output that it changes."""
        return self.config.receptive_radius

    condition_channels = 0

    @property
    def takes_noise(self) -> bool:
        """Whether the network takes noise, so that there are members."""
        return self.config.noise_channels > 0

    @property
    def largest_window(self) -> int:
        """Points of a window whose activations fit into the working memory."""
        return WORKING_MEMORY // (_ACTIVATIONS * self.config.filters * self.dtype.itemsize)

    def fill(
        self,
        fields: NDArray[np.float32],
        boundaries: Boundaries,
        latitude: NDArray[np.float64],
        noise: GridNoise | None,
        check: Callable[[], None],
    ) -> NDArray[np.float32]:
        """Return the fields with values in their gaps; see :class:`GapFilling`."""
        tiles = plan_tiles(
            (0, boundaries.rows),
            (0, boundaries.columns),
            boundaries,
            margin=self.radius,
            tile=self.tile,
            largest_window=self.largest_window,
        )
        return enlarge(
            fields, self, boundaries, tiles, latitude, noise=noise, progress=lambda _: None, check=check
        )

    @torch.inference_mode()
    def __call__(
        self,
        window: NDArray[np.float32],
        inner: tuple[slice, slice],
        check: Callable[[], None],
        area: NDArray[np.float32],
        noise: NoiseWindow | None = None,
    ) -> NDArray[np.float32]:
        """Fill the inner part of a window; see ``tiling.Enlarger``."""
        missing = np.asarray(~np.isfinite(window).all(axis=0))
        if not missing[inner].any():
            return window[:, inner[0], inner[1]]
        check()
        given = np.where(missing, np.float32(0.0), window)
        normal = self.normalization.normalize(torch.from_numpy(given))[None].to(self.device, self.dtype)
        drawn = None
        if self.takes_noise:
            assert noise is not None, "a network that takes noise is given some"
            rows, columns = (slice(0, size) for size in window.shape[-2:])
            values = noise.draw(self.config.noise_channels, 0, rows, columns)
            drawn = torch.from_numpy(values)[None].to(self.device, self.dtype)
        with full_float32(self.device):
            filled = self.network(normal, torch.from_numpy(missing)[None, None].to(self.device), drawn)
        part = filled[0, :, inner[0], inner[1]].float().cpu()
        return self.normalization.denormalize(part).numpy()
