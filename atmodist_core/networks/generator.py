"""The generator of the super-resolution networks: coarse fields to fine ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.few_filters import FewFiltersConv2d
from atmodist_core.networks.initialization import initialize_xavier_, subpixel_xavier_
from atmodist_core.networks.layers import LEAK, SameConv2d, check_batch
from atmodist_core.networks.window_part import WindowPart

_EDGE_KERNEL = 9
_KERNEL = 3

FILTER_TAPS = 31
"""Of the low-pass filter that may follow the network: 15 fine points to each side."""

CONSERVING_REACH = 5
"""Coarse points to each side over which a missing block mean is spread; what is cut off is below 0.0002."""

_BICUBIC_REACH = 2
_SMALL_START = 0.1
"""Of the last kernel beside an interpolation: a network that adds to it starts by adding little."""


BLOCKS_PER_CUT = 2
"""Residual blocks after which what is no longer needed is left behind: a copy costs as much as it saves sooner."""

LARGEST_FACTOR = 64
UPSAMPLINGS = ("subpixel", "resize")
OUTPUT_FILTERS = ("none", "low-pass")


@dataclass(frozen=True)
class GeneratorConfig(NetworkConfig):
    """Shape of a :class:`Generator`; the defaults are the published one (1,534,850 parameters).

    Attributes
    ----------
    channels : int
        Number of fields, in and out.
    factor : int
        Fine points per coarse point along each axis, a power of two from 2 up.
    filters : int
        Of every inner convolution.
    blocks : int
        Residual blocks at the coarse resolution.
    upsampling : str
        How the resolution doubles: ``"subpixel"`` (a convolution shuffled into space, as published; its
        patterns can repeat with the coarse grid) or ``"resize"`` (bilinear, then a convolution: they cannot).
    residual : bool
        Whether the network adds to the bicubic interpolation of its input, which it then need not learn.
    noise_channels : int
        Further input channels of unit normal noise at the coarse points, from which members arise.
    fine_noise_channels : int
        Channels of unit normal noise that each doubling of the resolution takes at its new points.
    condition_channels : int
        Further input channels, after the noise, that say how sharp the fine fields are to be; see
        :func:`atmodist_core.sharpness`.
    output_filter : str
        ``"none"``, or ``"low-pass"`` for data that are truncated well below their grid's Nyquist wavenumber:
        a filter as last layer; see :func:`atmodist_core.networks.output_layers.low_pass`.
    filter_cutoff : float
        Where the filter halves amplitudes, as a share of the grid's Nyquist wavenumber (both axes alike).
    conserve_block_mean : bool
        Whether the area-weighted block means of the physical output are made equal to the input; see
        :func:`atmodist_core.networks.output_layers.with_block_means`.
    """

    channels: int = 2
    factor: int = 4
    filters: int = 64
    blocks: int = 16
    upsampling: str = "subpixel"
    residual: bool = False
    noise_channels: int = 0
    fine_noise_channels: int = 0
    condition_channels: int = 0
    output_filter: str = "none"
    filter_cutoff: float = 0.5
    conserve_block_mean: bool = False

    def __post_init__(self) -> None:
        self._require_counts("channels", "filters", "blocks")
        for name, choices in (("upsampling", UPSAMPLINGS), ("output_filter", OUTPUT_FILTERS)):
            if getattr(self, name) not in choices:
                raise UserError(
                    f"Expected {name} of GeneratorConfig to be {' or '.join(choices)}, found "
                    f"{getattr(self, name)!r}: choose one of these."
                )
        self._require_counts("noise_channels", "fine_noise_channels", "condition_channels", least=0)
        if not 2 <= self.factor <= LARGEST_FACTOR or self.factor & (self.factor - 1):
            raise UserError(
                f"Expected a factor of GeneratorConfig that is a power of two (2, 4, 8, ... {LARGEST_FACTOR}), found "
                f"{self.factor}: choose one of these."
            )
        if self.output_filter != "none" and not 1 / self.factor < self.filter_cutoff < 1:
            raise UserError(
                f"Expected a filter_cutoff of GeneratorConfig between {1 / self.factor:g} (the coarse grid's "
                f"Nyquist, all of which would be lost below) and 1, found {self.filter_cutoff:g}: choose the "
                "truncation of the data over the grid's Nyquist wavenumber."
            )

    @property
    def input_channels(self) -> int:
        """Channels at the coarse points: fields, noise and conditions."""
        return self.channels + self.noise_channels + self.condition_channels

    @property
    def takes_noise(self) -> bool:
        """Whether the fields depend on noise, so that there are members."""
        return self.noise_channels + self.fine_noise_channels > 0

    @property
    def has_output_layers(self) -> bool:
        """Whether the network is followed by layers that work on the physical field."""
        return self.output_filter != "none" or self.conserve_block_mean

    @property
    def upsampling_steps(self) -> int:
        """Number of times the resolution doubles."""
        return int(math.log2(self.factor))

    @property
    def coarse_radius(self) -> int:
        """How far [coarse points] an input point can be from a coarse feature that it changes."""
        return _EDGE_KERNEL // 2 + (2 * self.blocks + 1) * (_KERNEL // 2)

    @property
    def coarse_margins(self) -> tuple[int, ...]:
        """Points still seen around the wanted part: before and after the head, then every BLOCKS_PER_CUT
        blocks.
        """
        per_block = 2 * (_KERNEL // 2)
        to_come = per_block * self.blocks + _KERNEL // 2
        after_blocks = range(BLOCKS_PER_CUT, self.blocks + 1, BLOCKS_PER_CUT)
        return (to_come + _EDGE_KERNEL // 2, to_come, *(to_come - per_block * n for n in after_blocks))

    @property
    def refining_radius(self) -> float:
        """How far [coarse points] a coarse feature can be from an output point that it changes.

        Half a kernel for every convolution, in units of the coarse point.
        """
        # Bilinear doubling mixes neighbours of the lower resolution before the convolution at the higher one.
        reach = _KERNEL // 2 if self.upsampling == "subpixel" else 1 + (_KERNEL // 2) / 2
        network = sum(reach / 2**step for step in range(self.upsampling_steps))
        network += (_EDGE_KERNEL // 2) / self.factor
        return max(network, _BICUBIC_REACH + 0.5) if self.residual else network

    @property
    def output_radius(self) -> float:
        """How far [coarse points] the layers reach that follow the network on the physical field.

        The filter; and for a block mean, the neighbours whose missing means are spread here and the points of
        their blocks.
        """
        radius = (FILTER_TAPS // 2) / self.factor if self.output_filter != "none" else 0.0
        return radius + (CONSERVING_REACH + 1 if self.conserve_block_mean else 0)

    @property
    def receptive_radius(self) -> float:
        """How far [coarse points] an input point can be from an output point that it changes."""
        return self.coarse_radius + self.refining_radius + self.output_radius


class GeneratorBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, their points ``dilation`` apart; no normalisation."""

    def __init__(self, filters: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = SameConv2d(filters, filters, _KERNEL, dilation=dilation)
        self.conv2 = SameConv2d(filters, filters, _KERNEL, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of the input."""
        # In place: what a convolution returns is needed by nobody else, and memory costs time.
        return self.conv2(functional.leaky_relu_(self.conv1(x), LEAK)).add_(x)


class UpsamplingStep(nn.Module):
    """Double the resolution: a convolution to four times the channels, shuffled into space."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv = SameConv2d(filters, 4 * filters, _KERNEL)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Return ``(batch, filters, 2 * height, 2 * width)``; ``added`` of that shape goes in before the rectifier."""
        x = self.conv(x)
        if added is None:
            return functional.pixel_shuffle(functional.leaky_relu_(x, LEAK), 2)
        return functional.leaky_relu_(functional.pixel_shuffle(x, 2) + added, LEAK)


class ResizeStep(nn.Module):
    """Double the resolution: bilinear interpolation, then a convolution, the same at every fine point."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv = SameConv2d(filters, filters, _KERNEL)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Return ``(batch, filters, 2 * height, 2 * width)``; ``added`` of that shape goes in before the rectifier."""
        x = self.conv(functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False))
        return functional.leaky_relu_(x if added is None else x + added, LEAK)


class Generator(nn.Module):
    """SRGAN generator (Ledig et al. 2017; Stengel et al. 2020) for normalised fields of any size.

    Its output still has to go through :class:`~atmodist_core.networks.output_layers.PhysicalOutput` where the
    configuration has output layers: these need the normalisation and the latitudes.
    """

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GeneratorConfig()
        self.head = SameConv2d(config.input_channels, config.filters, _EDGE_KERNEL)
        self.blocks = nn.Sequential(*(GeneratorBlock(config.filters) for _ in range(config.blocks)))
        self.trunk = SameConv2d(config.filters, config.filters, _KERNEL)
        step = UpsamplingStep if config.upsampling == "subpixel" else ResizeStep
        self.upsampling = nn.Sequential(*(step(config.filters) for _ in range(config.upsampling_steps)))
        # Before the rectifier, so that what the noise does depends on the weather.
        self.fine_noise = nn.ModuleList(
            SameConv2d(config.fine_noise_channels, config.filters, _KERNEL, bias=False)
            for _ in range(config.upsampling_steps if config.fine_noise_channels else 0)
        )
        # As many neighbours as a coarse point has along an axis, at most: fine fields are whole groups of them.
        self.tail = FewFiltersConv2d(
            config.filters, config.channels, _EDGE_KERNEL, config.factor, config.factor
        )
        initialize_xavier_(self)
        for module in self.upsampling:
            if isinstance(module, UpsamplingStep):
                subpixel_xavier_(module.conv.weight, 2)
        if config.residual:
            with torch.no_grad():
                self.tail.weight.mul_(_SMALL_START)

    def forward(self, coarse: Tensor, *fine_noise: Tensor) -> Tensor:
        """Generate normalised fine fields ``(batch, channels, factor * height, factor * width)``.

        The input ``(batch, channels, height, width)`` is normalised; channels of noise and conditions follow the fields. With
        ``fine_noise_channels`` there is noise for each doubling, ``(batch, fine_noise_channels, 2**n * height,
        2**n * width)`` for n = 1, 2, ...
        """
        check_batch(coarse, self.config.input_channels, "generator")
        return self.refine(self.coarse_features(coarse), coarse, *fine_noise)

    def coarse_features(
        self,
        coarse: Tensor,
        between_blocks: Callable[[], None] | None = None,
        wanted: tuple[slice, slice] | None = None,
    ) -> Tensor:
        """Run the part of the network that works at the coarse resolution: ``(batch, filters, height, width)``.

        Parameters
        ----------
        coarse : Tensor
            As for a call.
        between_blocks : callable, optional
            Called before each residual block; may raise to stop.
        wanted : tuple of slice, optional
            Rows and columns whose features are wanted; by default all. What lies around them is computed only
            as far as the layers still to come see it, which changes no number and saves half of the work
            where the surroundings are as large as what is wanted.
        """
        part = WindowPart(coarse.shape[-2:], wanted)
        margins = iter(self.config.coarse_margins)
        x = part.cut(coarse, next(margins))
        x = part.cut(functional.leaky_relu_(self.head(x), LEAK), next(margins))
        shallow = part.wanted_of(x)
        for number, block in enumerate(self.blocks, start=1):
            if between_blocks is not None:
                between_blocks()
            x = block(x)
            if number % BLOCKS_PER_CUT == 0:
                x = part.cut(x, next(margins))
        return part.wanted_of(self.trunk(x)).add_(shallow)

    def refine(self, features: Tensor, coarse: Tensor, *fine_noise: Tensor) -> Tensor:
        """Run the part of the network that raises the resolution: normalised fine fields.

        ``features`` are those of :meth:`coarse_features`, ``coarse`` what they were computed from, or the
        same part of both and of the noise.
        """
        if len(fine_noise) != len(self.fine_noise):
            raise ValueError(
                f"Expected noise for {len(self.fine_noise)} doublings of the resolution, found {len(fine_noise)}: give one for each."
            )
        for number, step in enumerate(self.upsampling):
            added = self.fine_noise[number](fine_noise[number]) if fine_noise else None
            features = step(features, added)
        fine = self.tail(features)
        if not self.config.residual:
            return fine
        fields = coarse[:, : self.config.channels]
        factor = float(self.config.factor)
        return fine + functional.interpolate(fields, scale_factor=factor, mode="bicubic", align_corners=False)
