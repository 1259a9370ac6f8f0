"""Bilinear and bicubic interpolation, the baselines of downscaling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.grid_noise import NoiseWindow


def linear_kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of linear interpolation at distances in points."""
    return np.clip(1.0 - np.abs(distance), 0.0, None)


def cubic_kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of cubic convolution with a = -1/2 at distances in points.

    The choice of a that is exact for quadratics (Keys, 1981, IEEE Trans. Acoust. Speech Signal Process.
    29); Pillow uses the same, torch -3/4 (unless it smooths).
    """
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x**2 + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))


KERNELS: dict[str, tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], int]] = {
    "bilinear": (linear_kernel, 1),
    "bicubic": (cubic_kernel, 2),
}
"""Interpolations by name: kernel, and the number of coarse points to each side that it reaches."""


@dataclass(frozen=True)
class Interpolation:
    """Separable interpolation of the physical fields in index space, coarse cells centred in their fine ones.

    Parameters
    ----------
    name : str
        One of :data:`KERNELS`.
    factor : int
        Fine points per coarse point along each axis, 2 or more.
    """

    name: str
    factor: int

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or self.factor < 2:
            raise UserError(
                f"Expected a factor of 2 or more for {self.name}, found {self.factor!r}: give 4, for example."
            )

    @property
    def radius(self) -> int:
        """How far [coarse points] an input point can be from an output that it changes."""
        return KERNELS[self.name][1]

    @property
    def takes_noise(self) -> bool:
        """No: an interpolation has one answer."""
        return False

    @property
    def condition_channels(self) -> int:
        """None: an interpolation follows nothing but the fields."""
        return 0

    @property
    def largest_window(self) -> int:
        """Coarse points for which the intermediate arrays of a field stay under 512 MiB."""
        return 2**29 // (4 * 4 * self.factor**2)

    def phase_weights(self) -> NDArray[np.float64]:
        """Return weights (factor, 2 * radius + 1) of the neighbours for each fine point of a cell."""
        offset = (np.arange(self.factor) + 0.5) / self.factor - 0.5
        neighbour = np.arange(-self.radius, self.radius + 1)
        return KERNELS[self.name][0](offset[:, None] - neighbour)

    def __call__(
        self,
        window: NDArray[np.float32],
        inner: tuple[slice, slice],
        check: Callable[[], None],
        area: NDArray[np.float32] | None = None,
        noise: NoiseWindow | None = None,
    ) -> NDArray[np.float32]:
        """Interpolate the inner part of a window; see :class:`atmodist_core.inference.tiling.Enlarger`."""
        weights = self.phase_weights().astype(np.float32)
        radius = self.radius
        rows, columns = (slice(part.start - radius, part.stop + radius) for part in inner)
        fine = []
        for field in window[:, rows, columns]:
            check()
            fine.append(_refined(_refined(field, weights).T, weights).T)
        return np.stack(fine)


def _refined(field: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Refine the first axis: ``(points + 2 * radius, columns)`` to ``(factor * points, columns)``."""
    factor, taps = weights.shape
    points = field.shape[0] - taps + 1
    fine = np.zeros((points, factor, field.shape[1]), dtype=np.float32)
    for tap in range(taps):
        fine += weights[None, :, tap, None] * field[tap : tap + points, None, :]
    return fine.reshape(points * factor, field.shape[1])
