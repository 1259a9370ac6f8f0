"""A trained generator at work: physical coarse fields in, physical fine fields out, in bounded memory."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.inference.devices import Engine, Precision, channels_last, full_float32
from atmodist_core.networks import Generator, PhysicalOutput
from atmodist_core.networks.normalization import SignedLogNormalization

if TYPE_CHECKING:
    from atmodist_core.fields.grid.grid_noise import NoiseWindow
    from atmodist_core.inference.openvino_networks import OpenvinoGenerator

WORKING_MEMORY = 2**29
"""Bytes that the activations of one window are meant to stay under (512 MiB)."""

_COARSE_ACTIVATIONS = 6
_FINE_ACTIVATIONS = 4
"""Arrays of the size of one activation that live at once in either half of the generator (measured)."""


class GeneratorInference:
    """Run a copy of a trained generator on windows of physical fields.

    The first, coarse part of the network runs on the whole window, which shrinks from layer to layer to what
    the rest still sees; the second on strips of the inner part only, with the few coarse points around them
    that it sees; the output layers last, on the inner part and what they see around it. This gives the same
    numbers as one piece, in far less memory. bfloat16 changes the fields by 1 to 2 % of their rms.
    """

    def __init__(
        self,
        generator: Generator,
        normalization: SignedLogNormalization,
        device: torch.device,
        precision: Precision,
        engine: Engine = "torch",
    ) -> None:
        self.normalization = normalization
        self.device = device
        self.config = generator.config
        self._value_bytes = 2 if precision == "bfloat16" else 4
        self.network: Generator | OpenvinoGenerator
        if engine == "openvino":
            from atmodist_core.inference.openvino_networks import OpenvinoGenerator

            # It takes and gives float32 in rows, and converts within.
            self.dtype, self._layout = torch.float32, torch.contiguous_format
            self.network = OpenvinoGenerator(generator, precision)
        else:
            self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
            self._layout = torch.channels_last
            network = copy.deepcopy(generator).requires_grad_(False).eval()
            self.network = channels_last(network.to(device=device, dtype=self.dtype))
        self.output = PhysicalOutput(generator.config, normalization)

    @property
    def factor(self) -> int:
        """Fine points per coarse point along each axis."""
        return self.config.factor

    @property
    def radius(self) -> int:
        """How far [coarse points] an input point can be from an output that it changes."""
        return math.ceil(self.config.receptive_radius)

    @property
    def takes_noise(self) -> bool:
        """Whether the generator takes noise beside the fields."""
        return self.config.takes_noise

    @property
    def condition_channels(self) -> int:
        """How many channels of a window, after the fields, say what is wanted."""
        return self.config.condition_channels

    @property
    def largest_window(self) -> int:
        """Coarse points of a window whose coarse activations fit into the working memory."""
        return WORKING_MEMORY // (_COARSE_ACTIVATIONS * self.config.filters * self._value_bytes)

    @torch.inference_mode()
    def __call__(
        self,
        window: NDArray[np.float32],
        inner: tuple[slice, slice],
        check: Callable[[], None],
        area: NDArray[np.float32],
        noise: NoiseWindow | None = None,
    ) -> NDArray[np.float32]:
        """Generate the fine fields of a window's inner part; see ``tiling.Enlarger``."""
        # Conditions follow the fields.
        fields, conditions = torch.from_numpy(np.ascontiguousarray(window)).split(
            (self.config.channels, self.config.condition_channels)
        )
        halo = math.ceil(self.config.output_radius)
        # What the output layers see around the inner part, as far as the window goes.
        rows, columns = (
            slice(max(part.start - halo, 0), min(part.stop + halo, size))
            for part, size in zip(inner, window.shape[-2:], strict=True)
        )
        with full_float32(self.device):
            normal = self.normalization.normalize(fields)[None]
            if self.config.noise_channels:
                whole = (slice(0, window.shape[-2]), slice(0, window.shape[-1]))
                normal = torch.cat((normal, self._noise(noise, 0, *whole)), dim=1)
            if self.config.condition_channels:
                normal = torch.cat((normal, conditions[None]), dim=1)
            coarse = self._given(normal)
            seen = self._seen_by_refining(rows, columns, window.shape[-2:])
            features = self.network.coarse_features(coarse, check, seen)
            coarse = coarse[..., seen[0], seen[1]]
            strips = []
            shifted = slice(columns.start - seen[1].start, columns.stop - seen[1].start)
            for strip in self._strips(slice(rows.start - seen[0].start, rows.stop - seen[0].start), columns):
                check()
                strips.append(self._refined(features, coarse, strip, shifted, noise, seen))
            fine = torch.cat(strips, dim=-2)[None]
            factor = self.factor
            weights = torch.from_numpy(area[rows.start * factor : rows.stop * factor])[None]
            physical = self.output.physical(fine, fields[None, :, rows, columns], weights)[0]
        top, left = (inner[0].start - rows.start) * factor, (inner[1].start - columns.start) * factor
        height, width = ((part.stop - part.start) * factor for part in inner)
        return physical[:, top : top + height, left : left + width].numpy()

    def _noise(self, noise: NoiseWindow | None, doublings: int, rows: slice, columns: slice) -> torch.Tensor:
        """Noise of some coarse cells at a resolution, as the network takes it."""
        assert noise is not None, "a generator that takes noise is given some"
        channels = self.config.fine_noise_channels if doublings else self.config.noise_channels
        drawn = torch.from_numpy(noise.draw(channels, doublings, rows, columns))[None]
        return drawn if not doublings else self._given(drawn)

    def _given(self, x: torch.Tensor) -> torch.Tensor:
        """A tensor with the device, type and layout that the network takes."""
        return x.to(device=self.device, dtype=self.dtype, memory_format=self._layout)

    def _seen_by_refining(self, rows: slice, columns: slice, size: Sequence[int]) -> tuple[slice, slice]:
        """Rows and columns of features that the second part of the network sees, as far as the window goes."""
        halo = math.ceil(self.config.refining_radius)
        return (
            slice(max(rows.start - halo, 0), min(rows.stop + halo, size[0])),
            slice(max(columns.start - halo, 0), min(columns.stop + halo, size[1])),
        )

    def _strips(self, rows: slice, columns: slice) -> list[slice]:
        """Cut the inner rows into strips whose fine activations fit into the working memory."""
        width = columns.stop - columns.start + 2 * math.ceil(self.config.refining_radius)
        row_bytes = width * self.config.filters * self.factor**2 * self._value_bytes * _FINE_ACTIVATIONS
        step = max(1, WORKING_MEMORY // row_bytes - 2 * math.ceil(self.config.refining_radius))
        return [slice(start, min(start + step, rows.stop)) for start in range(rows.start, rows.stop, step)]

    def _refined(
        self,
        features: torch.Tensor,
        coarse: torch.Tensor,
        rows: slice,
        columns: slice,
        noise: NoiseWindow | None,
        seen: tuple[slice, slice],
    ) -> torch.Tensor:
        """Normalised fine fields of some coarse cells, shape ``(channel, height, width)``, on the CPU.

        ``seen`` is where the features lie in the window, to which the noise belongs.
        """
        halo, factor = math.ceil(self.config.refining_radius), self.factor
        top, left = max(rows.start - halo, 0), max(columns.start - halo, 0)
        part, around = (
            field[..., top : rows.stop + halo, left : columns.stop + halo].contiguous(
                memory_format=self._layout
            )
            for field in (features, coarse)
        )
        fine_noise = []
        if self.config.fine_noise_channels:
            height, width = part.shape[-2:]
            first, west = seen[0].start + top, seen[1].start + left
            place = (slice(first, first + height), slice(west, west + width))
            steps = range(1, self.config.upsampling_steps + 1)
            fine_noise = [self._noise(noise, step, *place) for step in steps]
        fine = self.network.refine(part, around, *fine_noise)[0]
        first, west = (rows.start - top) * factor, (columns.start - left) * factor
        height, width = (rows.stop - rows.start) * factor, (columns.stop - columns.start) * factor
        return fine[:, first : first + height, west : west + width].float().cpu()
