"""Fourier transforms between fields and rows folded about the equator, with the latitude quadrature.

Legendre functions are even or odd about the equator, so the sum and the difference of a northern row and its
southern mirror image halve the work (e.g. Schaeffer, 2013, Geochem. Geophys. Geosyst. 14, 751-758).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from atmodist_core.harmonics.grids import EXACT_GRIDS, exact_quadrature, quadrature_weights

_CHUNK_BYTES = 2 << 20
"""Rows are Fourier transformed in chunks of about this size, which stay in the cache of a CPU core."""


class FourierStage:
    """Fields (..., latitude, longitude) to rows [parity about the equator, order, row, batch, 2] and back.

    The two directions are transposes of each other, except that the inverse counts orders above zero twice,
    because they also stand for the negative orders. `size` is the number of orders.
    """

    def __init__(
        self,
        latitude_count: int,
        longitude_count: int,
        size: int,
        grid: str,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.latitude_count, self.longitude_count, self.size = latitude_count, longitude_count, size
        self.dtype, self.device = dtype, device
        # A Driscoll-Healy grid lacks only the south pole: with that row added it is symmetric.
        self.row_count = latitude_count + (grid == "driscoll-healy")
        self.half = (self.row_count + 1) // 2
        turn = 2.0 * math.pi / longitude_count
        self.weights = turn * quadrature_weights(latitude_count, grid)[: self.half]
        self.corrections: list[list[Tensor]] | None = None
        if grid in EXACT_GRIDS:
            # The exact inner products differ little from plain weights: rounding stays small if the
            # difference is applied separately.
            self.corrections = [
                [self._tensor(turn * part - np.diag(self.weights)) for part in self._folded(full)]
                for full in exact_quadrature(latitude_count, grid)
            ]
        self._weight_column = self._tensor(self.weights)[:, None]
        self._factors: dict[tuple[bool, float, float], Tensor | None] = {}

    def to_rows(
        self, field: Tensor, scale: float, *, weighted: bool, vector: bool, turned: bool = False
    ) -> Tensor:
        """Return the Fourier coefficients (2, orders, rows, batch, 2) of the folded rows of ``scale * field``.

        The latitude quadrature is applied if ``weighted``, the imaginary unit if ``turned``; ``vector`` is set for a
        wind component.
        """
        stacked, last = field.reshape(-1, self.latitude_count, self.longitude_count), self.row_count
        if last > self.latitude_count:
            stacked = pad(stacked, (0, 0, 0, 1))
        batch, mixed = stacked.shape[0], weighted and self.corrections is not None
        factor = self._row_factors(weighted, scale, equator=0.5)
        rows = self.new_rows(batch)
        target = torch.view_as_complex(rows)
        series = self._new_series(batch) if mixed else []
        for start, stop in self._chunks(batch):
            shape = (2, stop - start, batch, self.longitude_count)
            folded = torch.empty(shape, dtype=self.dtype, device=self.device)
            north = stacked[:, start:stop].transpose(0, 1)
            south = stacked[:, last - stop : last - start].flip(1).transpose(0, 1)
            torch.add(north, south, out=folded[0])
            torch.sub(north, south, out=folded[1])
            if factor is not None:
                folded *= factor[start:stop]
            spectrum = torch.fft.rfft(folded)[..., : self.size]
            if mixed:
                for kind, part in enumerate(series):
                    part[:, start:stop].copy_(spectrum[..., kind::2])
            else:
                _copy(target[:, :, start:stop], spectrum.permute(0, 3, 1, 2), turned)
        for kind, part in enumerate(series):
            for parity in (0, 1):
                values = self._integrated(part[parity], kind, parity, vector, transpose=False)
                _copy(target[parity, kind::2], values.permute(2, 0, 1), turned)
        return rows

    def to_field(
        self, rows: Tensor, batch: torch.Size, *, weighted: bool, vector: bool, turned: bool = False
    ) -> Tensor:
        """Return the fields (*batch, latitude, longitude) of folded rows; flags as for :meth:`to_rows`."""
        source, last, count = torch.view_as_complex(rows), self.row_count, rows.shape[-2]
        mixed = weighted and self.corrections is not None
        series = self._new_series(count) if mixed else []
        for kind, part in enumerate(series):
            for parity in (0, 1):
                values = source[parity, kind::2].permute(1, 2, 0).contiguous()
                part[parity] = self._integrated(values, kind, parity, vector, transpose=True)
        factor = self._row_factors(weighted, 1.0, equator=1.0)
        field = torch.empty((count, last, self.longitude_count), dtype=self.dtype, device=self.device)
        for start, stop in self._chunks(count):
            shape = (2, stop - start, count, self.longitude_count // 2 + 1)
            spectrum = torch.empty(shape, dtype=source.dtype, device=self.device)
            if mixed:
                for kind, part in enumerate(series):
                    _copy(spectrum[..., kind : self.size : 2], part[:, start:stop], turned)
            else:
                _copy(spectrum[..., : self.size], source[:, :, start:stop].permute(0, 2, 3, 1), turned)
            spectrum[..., self.size :] = 0.0
            # The mean of a real field has no imaginary part, and not every Fourier library ignores it.
            torch.view_as_real(spectrum)[..., 0, 1] = 0.0
            folded = torch.fft.irfft(spectrum, n=self.longitude_count, norm="forward")
            if factor is not None:
                folded *= factor[start:stop]
            even, odd = folded
            torch.add(even, odd, out=field[:, start:stop].transpose(0, 1))
            field[:, last - stop : last - start].transpose(0, 1).copy_((even - odd).flip(0))
        return field[:, : self.latitude_count].reshape(*batch, self.latitude_count, self.longitude_count)

    def new_rows(self, batch: int) -> Tensor:
        """Allocate rows, uninitialised."""
        return torch.empty((2, self.size, self.half, batch, 2), dtype=self.dtype, device=self.device)

    def _new_series(self, batch: int) -> list[Tensor]:
        """Memory for rows of even and of odd order, [parity, row, batch, every second order]."""
        kind = torch.complex64 if self.dtype == torch.float32 else torch.complex128
        counts = ((self.size + 1) // 2, self.size // 2)
        return [torch.empty((2, self.half, batch, n), dtype=kind, device=self.device) for n in counts]

    def _integrated(self, values: Tensor, kind: int, parity: int, vector: bool, *, transpose: bool) -> Tensor:
        """Apply the exact quadrature; wind components have sine series where scalars have cosine series."""
        assert self.corrections is not None
        matrix = self.corrections[(kind + vector) % 2][parity]
        columns = torch.view_as_real(values).reshape(self.half, -1)
        product = columns * self._weight_column
        product.addmm_(matrix.T if transpose else matrix, columns)
        return torch.view_as_complex(product.view(*values.shape, 2))

    def _folded(self, full: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fold quadrature matrices, for even and for odd rows."""
        half = self.half
        even, odd = (full + full[:, ::-1])[:half, :half], (full - full[:, ::-1])[:half, :half]
        if self.row_count % 2:
            even[-1] *= 0.5  # the equator is one row, not a pair
        return even, odd

    def _row_factors(self, weighted: bool, scale: float, *, equator: float) -> Tensor | None:
        """Factors (row, 1, 1) of the folded rows, or None for ones."""
        key = (weighted, scale, equator)
        if key not in self._factors:
            factors = np.full(self.half, scale)
            if weighted and self.corrections is None:
                factors *= self.weights
            if self.row_count % 2:
                factors[-1] *= equator
            self._factors[key] = None if np.all(factors == 1.0) else self._tensor(factors)[:, None, None]
        return self._factors[key]

    def _chunks(self, count: int) -> Iterator[tuple[int, int]]:
        if count == 0:
            return  # not every Fourier library accepts an empty batch
        row_bytes = 2 * count * self.longitude_count * self.dtype.itemsize
        rows = self.half if self.device.type != "cpu" else max(_CHUNK_BYTES // row_bytes, 1)
        for start in range(0, self.half, rows):
            yield start, min(start + rows, self.half)

    def _tensor(self, values: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values)).to(device=self.device, dtype=self.dtype)


def _copy(target: Tensor, source: Tensor, turned: bool) -> None:
    if turned:
        torch.mul(source, 1j, out=target)
    else:
        target.copy_(source)
