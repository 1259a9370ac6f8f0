"""A network that fills gaps: fields with missing points in, the same fields with values at these points out.

It works at the resolution of the fields and is the same at every point, so that it leaves no pattern of its own, serves grids of any
size and can be run in tiles. Dilated convolutions (Yu & Koltun 2016, arXiv 1511.07122) let it see across gaps of tens of points.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.generator import FILTER_TAPS, GeneratorBlock
from atmodist_core.networks.initialization import initialize_xavier_
from atmodist_core.networks.layers import LEAK, SameConv2d, check_batch
from atmodist_core.networks.output_layers import low_pass

_KERNEL = 3


@dataclass(frozen=True)
class GapNetworkConfig(NetworkConfig):
    """Shape of a :class:`GapNetwork`.

    Attributes
    ----------
    channels : int
        Number of fields.
    filters : int
        Of every inner convolution.
    dilations : tuple of int
        One residual block for each: the distance of the points of its kernels [grid points].
    noise_channels : int
        Input channels of unit normal noise, from which members arise.
    filter_cutoff : float
        For data that are truncated well below their grid's Nyquist wavenumber: where a low-pass filter halves amplitudes, as a share of
        it; see :func:`atmodist_core.networks.output_layers.low_pass`. The fields with what the network put into their gaps
        pass it, so that it also joins both at their edges. 0: no filter.
    """

    channels: int = 2
    filters: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 2, 1, 1)
    noise_channels: int = 0
    filter_cutoff: float = 0.0

    def __post_init__(self) -> None:
        self._require_counts("channels", "filters", "dilations")
        self._require_counts("noise_channels", least=0)
        if not 0.0 <= self.filter_cutoff < 1.0:
            raise UserError(
                f"Expected a filter_cutoff of GapNetworkConfig from 0 to below 1, found {self.filter_cutoff:g}: choose the truncation"
                " of the data over the grid's Nyquist wavenumber, or 0 for none."
            )

    @property
    def receptive_radius(self) -> int:
        """How far [grid points] an input point can be from an output point that it changes."""
        reach = _KERNEL // 2
        filtered = FILTER_TAPS // 2 if self.filter_cutoff else 0
        return reach * (2 + 2 * sum(self.dilations)) + filtered


class GapNetwork(nn.Module):
    """Fill the missing points of normalised fields of any size; values that are given pass through unchanged.

    The input of the first convolution is the fields with zeros (their mean) in the gaps, a channel that is 1 where values are given,
    and the noise. Beyond the edges, where convolutions see zeros, nothing is given either.
    """

    def __init__(self, config: GapNetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GapNetworkConfig()
        self.head = SameConv2d(config.channels + 1 + config.noise_channels, config.filters, _KERNEL)
        self.blocks = nn.Sequential(
            *(GeneratorBlock(config.filters, dilation) for dilation in config.dilations)
        )
        self.tail = SameConv2d(config.filters, config.channels, _KERNEL)
        initialize_xavier_(self)

    def forward(self, fields: Tensor, missing: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the fields with values in their gaps.

        Parameters
        ----------
        fields : Tensor, shape (batch, channels, height, width)
            Normalised; what they hold in the gaps does not matter, not even NaN.
        missing : Tensor of bool, shape (batch, 1, height, width)
            The gaps, common to all channels.
        noise : Tensor, shape (batch, noise_channels, height, width)
            Unit normal, for a network that takes some.

        Returns
        -------
        Tensor of the shape and type of ``fields``
        """
        check_batch(fields, self.config.channels, "gap network")
        given = torch.where(missing, 0.0, fields)
        seen = [given, (~missing).to(given.dtype)]
        if self.config.noise_channels:
            if noise is None:
                raise ValueError(
                    f"Expected {self.config.noise_channels} channels of noise, found none: draw some."
                )
            seen.append(noise)
        x = functional.leaky_relu_(self.head(torch.cat(seen, dim=1)), LEAK)
        filled = torch.where(missing, self.tail(self.blocks(x)).to(given.dtype), given)
        if self.config.filter_cutoff:
            with torch.autocast(given.device.type, enabled=False):
                smooth = low_pass(filled.float().contiguous(), self.config.filter_cutoff).to(given.dtype)
            filled = torch.where(missing, smooth, given)
        return filled
