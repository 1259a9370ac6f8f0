r"""Scalar and vector transforms of stacked fields on the unit sphere, without autograd.

The wind of a stream function :math:`\psi` and a velocity potential :math:`\chi`,
:math:`(u, v) = \nabla\chi + k \times \nabla\psi`, needs per order m the functions
:math:`D = dP/d\theta` and :math:`M = m P/\sin\theta` (Temperton, 1991, Mon. Weather Rev. 119, 1303-1307;
Swarztrauber & Spotz, 2000, J. Comput. Phys. 159, 213-230). Colatitude :math:`\theta` increases southwards, so
that :math:`\partial/\partial y = -d/d\theta`; the signs are absorbed by multiplications by i.
"""

from __future__ import annotations

import torch
from torch import Tensor

from atmodist_core.harmonics.blocks import OrderBlock, Pair, project, spread
from atmodist_core.harmonics.coefficients import (
    clear,
    diagonal,
    new_packed,
    spread_scalar,
    to_packed,
    to_planes,
    to_public,
)
from atmodist_core.harmonics.fourier import FourierStage
from atmodist_core.harmonics.grids import colatitudes
from atmodist_core.harmonics.tables import build_blocks
from atmodist_core.harmonics.winds import MOST_SINGLE_WINDS, SingleWinds


class TransformKernels:
    """Transforms between fields (..., latitude, longitude) and coefficients (..., L + 1, L + 1).

    Every analysis is the transpose of the synthesis of the same name except for two factors: the latitude
    quadrature (``weighted``), and 2 for every order above zero, which also stands for the negative order. Arguments
    are those of :class:`~atmodist_core.harmonics.transform.SphericalHarmonicTransform`, not checked here.
    """

    def __init__(
        self,
        latitude_count: int,
        longitude_count: int,
        truncation: int,
        grid: str,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.size = truncation + 1
        self.fourier = FourierStage(latitude_count, longitude_count, self.size, grid, dtype, device)
        self.blocks: list[OrderBlock] = build_blocks(
            colatitudes(latitude_count, grid)[: self.fourier.half],
            truncation,
            name=f"{grid}-{latitude_count}",
            dtype=dtype,
            device=device,
        )
        self._single_winds = SingleWinds(self.blocks, self.size, dtype) if device.type == "cpu" else None

    @property
    def table_bytes(self) -> int:
        """Memory of the Legendre tables."""
        return sum(table.numel() * table.element_size() for block in self.blocks for table in block.tensors)

    def scalar_analysis(self, field: Tensor, *, weighted: bool) -> Tensor:
        """Return coefficients of fields."""
        rows = self.fourier.to_rows(field, 1.0, weighted=weighted, vector=False)
        packed = new_packed(self.size, rows.shape[-2], rows)
        for block in self.blocks:
            pair = self._pair(rows, block)
            even, odd = (project(table, part) for table, part in zip(block.scalar, pair, strict=True))
            self._store(packed, block, (even, odd))
        return to_public(packed, field.shape[:-2])

    def scalar_power(self, field: Tensor) -> Tensor:
        """Return power per degree of fields (batch, latitude, longitude) in float64, without storing coefficients."""
        rows = self.fourier.to_rows(field, 1.0, weighted=True, vector=False)
        batch = rows.shape[-2]
        power = torch.zeros((batch, self.size), dtype=torch.float64, device=rows.device)
        for block in self.blocks:
            orders, degrees = block.last - block.first, self.size - block.first
            # Each order is written one place further on, so that squares of one degree are in one column.
            width = degrees + orders
            squares = rows.new_zeros((orders, batch, width))
            for parity, (table, part) in enumerate(zip(block.scalar, self._pair(rows, block), strict=True)):
                parts = project(table, part).transpose(1, 2).square().unflatten(1, (batch, 2))
                shape, strides = (orders, batch, parts.shape[-1]), (batch * width + 1, width, 2)
                torch.add(parts[:, :, 0], parts[:, :, 1], out=squares.as_strided(shape, strides, parity))
            # Orders above zero also stand for the negative ones.
            power[:, block.first :] += 2.0 * squares.sum(0, dtype=torch.float64)[:, :degrees]
            if block.first == 0:
                power -= squares[0, :, :degrees]
        return power

    def scalar_synthesis(self, coefficients: Tensor, *, weighted: bool) -> Tensor:
        """Return fields of coefficients."""
        packed = to_packed(coefficients)
        rows = self.fourier.new_rows(packed.shape[2])
        if packed.shape[2] == 1 and packed.device.type == "cpu":
            # Two fields at once are at least as fast block by block.
            spread_scalar(packed, self.blocks, rows)
        else:
            for block in self.blocks:
                values = diagonal(packed, block.first, block.last)
                for parity, (table, target) in enumerate(
                    zip(block.scalar, self._targets(rows, block), strict=True)
                ):
                    spread([(table, values[:, parity::2])], target)
        return self.fourier.to_field(rows, coefficients.shape[:-2], weighted=weighted, vector=False)

    def vector_analysis(
        self, eastward: Tensor, northward: Tensor, scale: float, *, weighted: bool, curl: bool = True
    ) -> tuple[Tensor, ...]:
        """Return ``scale`` times (curl, divergence), or (divergence,), of vector fields (u, v)."""
        # With U = iu: divergence = D v + M U and curl = i (D U + M v), which are plain sums of products.
        across = self.fourier.to_rows(northward, scale, weighted=weighted, vector=True)
        along = self.fourier.to_rows(eastward, scale, weighted=weighted, vector=True, turned=True)
        results = [new_packed(self.size, across.shape[-2], across) for _ in range(1 + curl)]
        single = self._single_winds_of(across.shape[-2])
        if single is not None:
            for packed, planes in zip(results, single.project(across, along, curl=curl), strict=True):
                packed[: self.size].flatten(2).copy_(planes.permute(1, 2, 0))
        for block in self.blocks if single is None else ():
            pairs = block.project_wind(self._pair(across, block), self._pair(along, block), curl=curl)
            for packed, pair in zip(results, pairs, strict=True):
                self._store(packed, block, pair)
        if curl:
            torch.view_as_complex(results[1]).mul_(1j)
        return tuple(to_public(packed, eastward.shape[:-2]) for packed in reversed(results))

    def vector_synthesis(
        self, potential: Tensor, stream: Tensor | None, scale: Tensor, *, weighted: bool
    ) -> tuple[Tensor, Tensor]:
        """Return (u, v) = grad(scale * potential) + k x grad(scale * stream), ``scale`` by degree."""
        # With X = i chi: u = M X + D psi and v = i (M psi + D X).
        chi = to_packed(potential, 1j * scale)
        psi = None if stream is None else to_packed(stream, scale)
        components = [self.fourier.new_rows(chi.shape[2]) for _ in range(2)]
        single = self._single_winds_of(chi.shape[2])
        if single is not None:
            single.spread(to_planes(chi), None if psi is None else to_planes(psi), components)
        for block in self.blocks if single is None else ():
            along = diagonal(chi, block.first, block.last)
            across = None if psi is None else diagonal(psi, block.first, block.last)
            targets = [self._targets(rows, block) for rows in components]
            block.spread_wind(along, across, targets)
        batch = potential.shape[:-2]
        eastward, northward = components
        return (
            self.fourier.to_field(eastward, batch, weighted=weighted, vector=True),
            self.fourier.to_field(northward, batch, weighted=weighted, vector=True, turned=True),
        )

    def _single_winds_of(self, batch: int) -> SingleWinds | None:
        """The one-pass products if they are faster for this many winds, else None."""
        return self._single_winds if 0 < batch <= MOST_SINGLE_WINDS else None

    def _pair(self, rows: Tensor, block: OrderBlock) -> Pair:
        """Even and odd rows of a block."""
        even, odd = rows[:, block.first : block.last, block.first_row :].flatten(3)
        return even, odd

    def _targets(self, rows: Tensor, block: OrderBlock) -> Pair:
        """Even and odd rows of a block, after setting the rows that it skips to zero."""
        if block.first_row > 0:
            rows[:, block.first : block.last, : block.first_row].zero_()
        return self._pair(rows, block)

    def _store(self, packed: Tensor, block: OrderBlock, pair: Pair) -> None:
        clear(packed, block.first, block.last)
        view = diagonal(packed, block.first, block.last)
        for parity, values in enumerate(pair):
            view[:, parity::2].copy_(values)
