"""The numerical stages of the transforms: folding, Fourier, latitude quadrature and Legendre products.

Layouts are chosen so that the matrix products need no further copies: rows folded into their even and odd part
about the equator are ``[parity, order, row, component, batch]``, packed coefficients ``[order, degree, component,
batch]``. Public coefficients are views of such memory, and coefficients that come back in it are used without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from atmodist_core.harmonics import grids
from atmodist_core.harmonics.tables import OrderBlock, build_tables

_CHUNK_BYTES = int(4 * 2**20)
"""Rows are Fourier transformed in chunks of about this size, which stay in a CPU core's cache."""


class TransformKernels:
    """Scalar and vector transforms of stacked fields on the unit sphere, without autograd.

    Every analysis is the transpose of the synthesis of the same name but for two factors: the latitude quadrature
    (``weighted``), and two for every order above zero, which stands for the negative order as well.

    Parameters
    ----------
    latitude_count, longitude_count, truncation, grid, dtype, device
        As for :class:`~atmodist_core.harmonics.transform.SphericalHarmonicTransform`; not checked here.
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
        self.latitude_count, self.longitude_count = latitude_count, longitude_count
        self.size = truncation + 1
        self.dtype, self.device = dtype, device
        # A Driscoll-Healy grid lacks the south pole only; with that row added (and left out again) it is symmetric.
        self.row_count = latitude_count + (grid == "driscoll-healy")
        self.half = (self.row_count + 1) // 2
        turn = 2.0 * math.pi / longitude_count
        self.weights: NDArray[np.float64] | None = None
        self.gram: list[list[Tensor]] | None = None
        if grid in grids.EXACT_GRIDS:
            self.gram = [
                [self._tensor(turn * matrix) for matrix in self._folded(full)]
                for full in grids.exact_quadrature(latitude_count, grid)
            ]
        else:
            self.weights = turn * grids.quadrature_weights(latitude_count, grid)[: self.half]
        self.blocks = build_tables(
            grids.colatitudes(latitude_count, grid)[: self.half],
            truncation,
            dtype=dtype,
            device=device,
            orders_per_block=8 if device.type == "cpu" else 64,
        )

    @property
    def table_bytes(self) -> int:
        """Memory of the Legendre tables."""
        return sum(table.numel() * table.element_size() for block in self.blocks for table in block.tensors)

    # ------------------------------------------------------------------ transforms

    def scalar_analysis(self, field: Tensor, *, weighted: bool) -> Tensor:
        """Coefficients (..., L + 1, L + 1) of fields (..., latitude, longitude)."""
        rows = self._to_rows(field, 1.0, weighted=weighted, vector=False)
        packed = self._new_packed(field)
        for block in self.blocks:
            self._clear(packed, block)
            for parity, table in enumerate(block.legendre):
                product = torch.bmm(table, self._operand(rows, block, parity))
                self._slots(packed, block, parity).copy_(product)
        return self._public(packed, field.shape[:-2])

    def scalar_synthesis(self, coefficients: Tensor, *, weighted: bool) -> Tensor:
        """Fields (..., latitude, longitude) of coefficients (..., L + 1, L + 1)."""
        packed = torch.view_as_real(self._shaped(coefficients).contiguous())
        rows = self._new_rows(packed.shape[-2])
        for block in self.blocks:
            for parity, table in enumerate(block.legendre):
                self._expand(rows, block, parity, [(table, self._slots(packed, block, parity))])
        return self._to_field(rows, coefficients.shape[:-2], weighted=weighted, vector=False)

    def vector_analysis(
        self, eastward: Tensor, northward: Tensor, scale: float, *, weighted: bool, curl: bool = True
    ) -> tuple[Tensor, ...]:
        """``scale`` times (curl, divergence), or (divergence,): coefficients (..., L + 1, L + 1)."""
        # With U = iu: divergence = D v + M U and curl = i (D U + M v), so that the products add up themselves.
        rows = (
            self._to_rows(northward, scale, weighted=weighted, vector=True),
            self._to_rows(eastward, scale, weighted=weighted, vector=True, turned=True),
        )
        results = [self._new_packed(eastward) for _ in range(1 + curl)]
        for block in self.blocks:
            for packed in results:
                self._clear(packed, block)
            for parity in (0, 1):
                # dP/dtheta is odd about the equator where P and m P / sin are even.
                along, across = block.eastward[parity], block.southward[parity]
                for index, packed in enumerate(results):
                    product = torch.bmm(across, self._operand(rows[index], block, 1 - parity))
                    product.baddbmm_(along, self._operand(rows[1 - index], block, parity))
                    self._slots(packed, block, parity).copy_(product)
        if curl:
            torch.view_as_complex(results[1]).mul_(1j)
        return tuple(self._public(packed, eastward.shape[:-2]) for packed in reversed(results))

    def vector_synthesis(
        self, potential: Tensor, stream: Tensor | None, scale: Tensor, *, weighted: bool
    ) -> tuple[Tensor, Tensor]:
        """Fields (u, v) = grad(scale * potential) + k x grad(scale * stream), with ``scale`` (L + 1,) by degree."""
        # With X = i chi: u = M X + D psi and v = i (M psi + D X).
        chi = torch.view_as_real(self._scaled(potential, 1j * scale))
        psi = None if stream is None else torch.view_as_real(self._scaled(stream, scale))
        eastward, northward = self._new_rows(chi.shape[-2]), self._new_rows(chi.shape[-2])
        for block in self.blocks:
            for parity in (0, 1):
                along, across = block.eastward[parity], block.southward[1 - parity]
                u_terms = [(along, self._slots(chi, block, parity))]
                v_terms = [(across, self._slots(chi, block, 1 - parity))]
                if psi is not None:
                    u_terms.append((across, self._slots(psi, block, 1 - parity)))
                    v_terms.append((along, self._slots(psi, block, parity)))
                self._expand(eastward, block, parity, u_terms)
                self._expand(northward, block, parity, v_terms)
        batch = potential.shape[:-2]
        return (
            self._to_field(eastward, batch, weighted=weighted, vector=True),
            self._to_field(northward, batch, weighted=weighted, vector=True, turned=True),
        )

    # ------------------------------------------------------------------ Legendre stage

    def _operand(self, rows: Tensor, block: OrderBlock, parity: int) -> Tensor:
        return rows[parity, block.first : block.last, block.first_row :].flatten(2)

    def _expand(
        self, rows: Tensor, block: OrderBlock, parity: int, terms: Sequence[tuple[Tensor, Tensor]]
    ) -> None:
        """Rows of one block and parity: sum of (table transposed) @ (coefficients)."""
        target = rows[parity, block.first : block.last].flatten(2)
        (table, values), *others = terms
        if block.first_row == 0:
            result = torch.bmm(table.transpose(1, 2), values, out=target)
        else:
            result = torch.bmm(table.transpose(1, 2), values)
        for table, values in others:
            result.baddbmm_(table.transpose(1, 2), values)
        if block.first_row > 0:
            target[:, : block.first_row].zero_()
            target[:, block.first_row :].copy_(result)

    def _slots(self, packed: Tensor, block: OrderBlock, parity: int) -> Tensor:
        """View [order, every second degree from the order on, column] of the packed coefficients of a block.

        With ``size + 1`` entries from one order to the next, degree minus order is an axis. Degrees above the
        truncation then fall on entries with order > degree of the next order: unused, and zero in the tables.
        """
        columns = packed.shape[2] * 2
        orders, degrees = block.last - block.first, block.legendre[parity].shape[1]
        start = block.first * (self.size + 1)
        shape, strides = (orders, degrees, columns), ((self.size + 1) * columns, 2 * columns, 1)
        beyond = parity + (orders - 1) * (self.size + 1) + 2 * degrees - 1 - (self.size**2 - start)
        if beyond <= 0 or packed.shape[0] > self.size:
            return packed.as_strided(shape, strides, packed.storage_offset() + (start + parity) * columns)
        # The last block reaches beyond the end of coefficients that came from outside.
        padded = pad(packed.flatten(0, 1)[start:].flatten(1), (0, 0, 0, beyond))
        return padded.as_strided(shape, strides, parity * columns)

    def _clear(self, packed: Tensor, block: OrderBlock) -> None:
        """Zero the entries with order > degree."""
        packed[block.first : block.last, : block.last].zero_()

    def _shaped(self, coefficients: Tensor) -> Tensor:
        """Coefficients (..., degree, order) as [order, degree, batch]."""
        return coefficients.reshape(-1, self.size, self.size).permute(2, 1, 0)

    def _scaled(self, coefficients: Tensor, scale: Tensor) -> Tensor:
        """Coefficients times a factor by degree as packed [order, degree, batch]."""
        shaped = self._shaped(coefficients)
        # Spread over the batch, the factor meets long contiguous runs, which is what vector units want.
        factor = scale[:, None].expand(-1, shaped.shape[-1]).contiguous()
        return torch.mul(shaped, factor, out=torch.empty(shaped.shape, dtype=shaped.dtype, device=shaped.device))

    def _new_packed(self, field: Tensor) -> Tensor:
        """Memory [order, degree, batch, 2], one order more than needed: the last block's slots reach there."""
        batch = math.prod(field.shape[:-2])
        return torch.empty((self.size + 1, self.size, batch, 2), dtype=self.dtype, device=self.device)

    def _public(self, packed: Tensor, batch: torch.Size) -> Tensor:
        values = torch.view_as_complex(packed)[: self.size].permute(2, 1, 0)
        return values.unflatten(0, batch) if len(batch) > 1 else values if batch else values[0]

    # ------------------------------------------------------------------ Fourier stage

    def _to_rows(
        self, field: Tensor, scale: float, *, weighted: bool, vector: bool, turned: bool = False
    ) -> Tensor:
        """Fold and Fourier transform ``scale * field`` into [parity, order, row, batch, 2]; ``turned``: times i."""
        stacked, last = field.reshape(-1, self.latitude_count, self.longitude_count), self.row_count
        if last > self.latitude_count:
            stacked = pad(stacked, (0, 0, 0, 1))
        factor = self._row_factors(weighted, scale, equator=0.5)
        rows = self._new_rows(stacked.shape[0])
        target = torch.view_as_complex(rows)
        for start, stop in self._chunks(stacked.shape[0]):
            shape = (2, stop - start, stacked.shape[0], self.longitude_count)
            folded = torch.empty(shape, dtype=self.dtype, device=self.device)
            north = stacked[:, start:stop].transpose(0, 1)
            south = stacked[:, last - stop : last - start].flip(1).transpose(0, 1)
            torch.add(north, south, out=folded[0])
            torch.sub(north, south, out=folded[1])
            if factor is not None:
                folded *= factor[start:stop]
            spectrum = torch.fft.rfft(folded)[..., : self.size].permute(0, 3, 1, 2)
            _copy(target[:, :, start:stop], spectrum, turned)
        return self._mixed(rows, vector, transpose=False) if weighted and self.gram is not None else rows

    def _to_field(
        self, rows: Tensor, batch: torch.Size, *, weighted: bool, vector: bool, turned: bool = False
    ) -> Tensor:
        """The transpose of :meth:`_to_rows`, but for ``turned``, which multiplies by i here as well."""
        if weighted and self.gram is not None:
            rows = self._mixed(rows, vector, transpose=True)
        factor = self._row_factors(weighted, 1.0, equator=1.0)
        source, last, count = torch.view_as_complex(rows), self.row_count, rows.shape[-2]
        field = torch.empty((count, last, self.longitude_count), dtype=self.dtype, device=self.device)
        for start, stop in self._chunks(count):
            shape = (2, stop - start, count, self.longitude_count // 2 + 1)
            spectrum = torch.empty(shape, dtype=source.dtype, device=self.device)
            _copy(spectrum[..., : self.size], source[:, :, start:stop].permute(0, 2, 3, 1), turned)
            spectrum[..., self.size :] = 0.0
            # Not every Fourier library ignores the imaginary part of the mean, which a real field does not have.
            torch.view_as_real(spectrum)[..., 0, 1] = 0.0
            folded = torch.fft.irfft(spectrum, n=self.longitude_count, norm="forward")
            if factor is not None:
                folded *= factor[start:stop]
            even, odd = folded
            torch.add(even, odd, out=field[:, start:stop].transpose(0, 1))
            field[:, last - stop : last - start].transpose(0, 1).copy_((even - odd).flip(0))
        return field[:, : self.latitude_count].reshape(*batch, self.latitude_count, self.longitude_count)

    def _mixed(self, rows: Tensor, vector: bool, *, transpose: bool) -> Tensor:
        """Apply the exact latitude quadrature; wind components have the other kind of series than scalars."""
        assert self.gram is not None
        out = torch.empty_like(rows)
        for kind in (0, 1):
            first = (kind + vector) % 2
            for parity, matrix in enumerate(self.gram[kind]):
                part = rows[parity, first::2].flatten(2)
                operator = (matrix.T if transpose else matrix).expand(part.shape[0], -1, -1)
                out[parity, first::2] = torch.bmm(operator, part).view(part.shape[0], *rows.shape[2:])
        return out

    def _folded(self, full: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Quadrature matrices that act on folded rows."""
        half = self.half
        even, odd = (full + full[:, ::-1])[:half, :half], (full - full[:, ::-1])[:half, :half]
        if self.row_count % 2:
            even[-1] *= 0.5  # the equator is one row, not a pair
        return even, odd

    def _row_factors(self, weighted: bool, scale: float, *, equator: float) -> Tensor | None:
        """Factors (row, 1, 1) of the folded rows, or None for ones."""
        factors = np.full(self.half, scale)
        if weighted and self.weights is not None:
            factors *= self.weights
        if self.row_count % 2:
            factors[-1] *= equator
        return None if np.all(factors == 1.0) else self._tensor(factors)[:, None, None]

    def _chunks(self, count: int) -> Iterator[tuple[int, int]]:
        row_bytes = 2 * count * self.longitude_count * self.dtype.itemsize
        rows = self.half if self.device.type != "cpu" else max(_CHUNK_BYTES // max(row_bytes, 1), 1)
        for start in range(0, self.half, rows):
            yield start, min(start + rows, self.half)

    def _new_rows(self, batch: int) -> Tensor:
        shape = (2, self.size, self.half, batch, 2)
        return torch.empty(shape, dtype=self.dtype, device=self.device)

    def _tensor(self, values: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values)).to(device=self.device, dtype=self.dtype)


def _copy(target: Tensor, source: Tensor, turned: bool) -> None:
    if turned:
        torch.mul(source, 1j, out=target)
    else:
        target.copy_(source)
