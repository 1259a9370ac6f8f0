"""What a generator's output goes through, as a physical field: a low-pass filter, and the coarse field's means.

Both hold by construction, whatever the network learned. They work on physical fields, not on normalised ones:
the signed logarithm makes harmonics, so that the normalised form of a truncated field is not truncated itself
(filtering it would leave 1 to 3 % of the power of the smallest scales beyond the truncation).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.fields.grid.interpolation import Interpolation
from atmodist_core.networks.generator import CONSERVING_REACH, FILTER_TAPS, GeneratorConfig
from atmodist_core.networks.normalization import SignedLogNormalization

_KAISER_BETA = 3.4
_CIRCLE = 64
"""Coarse points of the circle on which the conserving kernel is inverted; it has decayed long before."""


@lru_cache(maxsize=8)
def low_pass_taps(cutoff: float) -> NDArray[np.float64]:
    """Taps of the low-pass filter, shape ``(31,)``, symmetric, with sum 1.

    A windowed sinc with its cut-off (amplitude 1/2) at a share of the Nyquist wavenumber and a Kaiser window:
    flat within 1 % up to .09 below the cut-off, .91 at .05 below, .27 at .025 above, below .01 from .1 above.
    With 21 taps the loss reaches twice as far down, into the scales that the downscaling must add; more taps
    would reach further than the 4 coarse points they take now. At the truncation of the data the filter takes
    half of the amplitude of the last degrees, which a network makes up for only in part; .05 above it leaves
    them whole and passes some of what lies beyond.
    """
    offset = np.arange(FILTER_TAPS) - FILTER_TAPS // 2
    taps = cutoff * np.sinc(cutoff * offset) * np.kaiser(FILTER_TAPS, _KAISER_BETA)
    return np.asarray(taps / taps.sum())


def low_pass(field: Tensor, cutoff: float) -> Tensor:
    """Filter physical fields ``(batch, channel, height, width)`` along both axes; edge values are repeated.

    Right where the data's truncation is at most that share of the grid's Nyquist wavenumber (one half for
    T179 on 360 rows and T639 on 1280): its fields then have no such scales, neither in latitude nor, at the
    equator, in longitude. Towards the poles the zonal limit of a truncation falls with the cosine of latitude
    and the filter guards only in part. Wrong for fields that use all scales of their grid.
    """
    taps = _on_device(low_pass_taps, field.dtype, field.device, cutoff)
    return _along_rows(_along_rows(field, taps).transpose(-1, -2), taps).transpose(-1, -2)


@lru_cache(maxsize=32)
def _on_device(
    make: Callable[..., NDArray[np.float64]], dtype: torch.dtype, device: torch.device, *arguments: Any
) -> Tensor:
    """Weights as a tensor, copied to a device once: a copy at every step would make a GPU wait."""
    with torch.inference_mode(False):
        return torch.as_tensor(make(*arguments), dtype=dtype, device=device)


def _along_rows(field: Tensor, taps: Tensor) -> Tensor:
    """Convolve the last axis with symmetric taps, the edges repeated."""
    reach = taps.numel() // 2
    rows = field.reshape(-1, 1, field.shape[-1])
    padded = functional.pad(rows, (reach, reach), mode="replicate")
    return functional.conv1d(padded, taps.view(1, 1, -1)).reshape(field.shape)


@lru_cache(maxsize=8)
def conserving_kernel(factor: int, cutoff: float | None) -> NDArray[np.float64]:
    """Fine weights of one coarse value, shape ``(2 * CONSERVING_REACH + 1, factor)``: cells, points in a cell.

    The kernel of a smooth interpolation whose block means are the values that were interpolated: bicubic
    interpolation (then the low-pass filter, where there is a cutoff), applied to values that were first
    sharpened by the inverse of what interpolating and averaging do to them.
    """
    weights = Interpolation("bicubic", factor).phase_weights()
    reach = weights.shape[1] // 2
    smooth = np.zeros(_CIRCLE * factor)
    for neighbour in range(-reach, reach + 1):
        cell = -neighbour % _CIRCLE
        smooth[cell * factor : (cell + 1) * factor] = weights[:, neighbour + reach]
    if cutoff is not None:
        taps = np.zeros_like(smooth)
        taps[np.arange(FILTER_TAPS) - FILTER_TAPS // 2] = low_pass_taps(cutoff)
        smooth = np.fft.ifft(np.fft.fft(smooth) * np.fft.fft(taps)).real
    means = smooth.reshape(_CIRCLE, factor).mean(axis=1)
    sharpening = np.fft.ifft(1.0 / np.fft.fft(means)).real
    kernel = sum(np.roll(smooth, cell * factor) * weight for cell, weight in enumerate(sharpening))
    cells = np.arange(-CONSERVING_REACH, CONSERVING_REACH + 1)
    return np.asarray(np.asarray(kernel).reshape(_CIRCLE, factor)[cells])


def smoothly_refined(coarse: Tensor, factor: int, cutoff: float | None) -> Tensor:
    """Interpolate coarse fields ``(batch, channel, height, width)`` smoothly, keeping their block means."""
    # Point p of cell i is the sum over cells j of kernel[i - j, p] * coarse[j]; a correlation has them reversed.
    weights = _on_device(conserving_kernel, coarse.dtype, coarse.device, factor, cutoff).flip(0).T
    fine = _refined_rows(coarse, weights)
    return _refined_rows(fine.transpose(-1, -2), weights).transpose(-1, -2)


def _refined_rows(field: Tensor, weights: Tensor) -> Tensor:
    """Refine the last axis by weights ``(factor, neighbours)``, the edges repeated."""
    factor, neighbours = weights.shape
    reach = neighbours // 2
    padded = functional.pad(field.reshape(-1, 1, field.shape[-1]), (reach, reach), mode="replicate")
    fine = functional.conv1d(padded, weights[:, None, :])  # (rows, factor, width)
    return fine.transpose(1, 2).reshape(*field.shape[:-1], factor * field.shape[-1])


def block_means(fine: Tensor, area: Tensor, factor: int) -> Tensor:
    """Means of blocks of ``factor`` x ``factor`` points of fields ``(batch, channel, height, width)``.

    They are weighted by the area of the points of each row in any unit, shape ``(batch or 1, height)``.
    """
    batch, channels, height, width = fine.shape
    share = area.reshape(area.shape[0], 1, height // factor, factor, 1).to(fine.dtype)
    share = share / share.sum(dim=3, keepdim=True)
    rows = (fine.reshape(batch, channels, height // factor, factor, width) * share).sum(dim=3)
    return rows.reshape(batch, channels, height // factor, width // factor, factor).mean(dim=4)


def with_block_means(fine: Tensor, coarse: Tensor, area: Tensor, factor: int, cutoff: float | None) -> Tensor:
    """Correct physical fine fields so that their area-weighted block means are the coarse fields.

    What is missing is added as a smooth field, within the scales of the filter of that cutoff; the small rest
    that the varying areas within a block leave (1 % of the correction at 60 degrees and 2-degree blocks) as a
    constant for each block, which makes the means exact to rounding. Shapes are ``(batch, channel, factor *
    height, factor * width)``, ``(batch, channel, height, width)``, and for the area of the points of each
    fine row ``(batch or 1, factor * height)``.
    """
    missing = coarse - block_means(fine, area, factor)
    fine = fine + smoothly_refined(missing, factor, cutoff)
    rest = coarse - block_means(fine, area, factor)
    return fine + rest.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)


class PhysicalOutput(nn.Module):
    """The last layers of a generator: normalised output to a physical field, filtered and conserving if asked.

    Without weights; always in float32.
    """

    def __init__(self, config: GeneratorConfig, normalization: SignedLogNormalization) -> None:
        super().__init__()
        self.config, self.normalization = config, normalization

    def physical(self, fine: Tensor, coarse: Tensor, area: Tensor) -> Tensor:
        """Return the physical fine field from the network's normalised output and the physical input.

        Shapes are ``(batch, channel, factor * height, factor * width)``, ``(batch, channel, height, width)``,
        and for the area of the points of each fine row, in any unit, ``(batch or 1, factor * height)``.
        """
        with torch.autocast(fine.device.type, enabled=False):
            cutoff = self.config.filter_cutoff if self.config.output_filter == "low-pass" else None
            field = self.normalization.denormalize(fine.float()).contiguous()
            if cutoff is not None:
                field = low_pass(field, cutoff)
            if self.config.conserve_block_mean:
                field = with_block_means(field, coarse.float(), area, self.config.factor, cutoff)
            return field

    def forward(self, fine: Tensor, coarse: Tensor, area: Tensor) -> Tensor:
        """Return the normalised fine field, as losses see it, from normalised input; see :meth:`physical`."""
        if not self.config.has_output_layers:
            return fine
        with torch.autocast(fine.device.type, enabled=False):
            field = self.physical(fine, self.normalization.denormalize(coarse.float()), area)
            return self.normalization.normalize(field)
