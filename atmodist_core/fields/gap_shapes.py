"""Shapes of gaps at random: blocks, stripes as between the swaths of a satellite, and corners as of a projected domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.validity import Mask

GAP_SHAPES = ("blocks", "stripes", "corner")
"""``blocks``: one to three rectangles; ``stripes``: one or two slanted bands across the field; ``corner``: a triangle at one corner."""

_SIDES = (0.12, 0.4)
"""Shortest and longest side of a rectangle, and width of a single band, as shares of the side of the field."""
_TWO_BANDS = (0.08, 0.22)
_SLANTS_DEG = (8.0, 40.0)
"""Of a band to the meridians."""
_LEGS = (0.35, 0.9)
"""Of a triangle, as shares of the side."""


def random_gaps(
    random: np.random.Generator, count: int, size: int, shapes: Sequence[str] = GAP_SHAPES
) -> Mask:
    """Return gaps at random places, each of one of the shapes.

    Parameters
    ----------
    random : numpy.random.Generator
        Source of all choices; the same state gives the same gaps.
    count : int
        Number of fields.
    size : int
        Points along each side of a field.
    shapes : sequence of str
        Among :data:`GAP_SHAPES`, equally likely.

    Returns
    -------
    ndarray of bool, shape (count, size, size)
        True where a value is missing; some points are always missing, and some always given.

    Raises
    ------
    UserError
        For an unknown shape.

    Examples
    --------
    >>> gaps = random_gaps(np.random.default_rng(0), 4, 32, ["corner"])
    >>> gaps.shape, bool(gaps.any(axis=(1, 2)).all()), bool(gaps.all(axis=(1, 2)).any())
    ((4, 32, 32), True, False)
    """
    unknown = [shape for shape in shapes if shape not in GAP_SHAPES]
    if unknown or not shapes:
        raise UserError(
            f"Expected shapes of gaps among {', '.join(GAP_SHAPES)}, found {unknown[0] if unknown else 'none'!r}: choose one of"
            " these."
        )
    makers = {"blocks": _blocks, "stripes": _stripes, "corner": _corner}
    chosen = random.integers(0, len(shapes), count)
    return np.stack([makers[shapes[number]](random, size) for number in chosen])


def _blocks(random: np.random.Generator, size: int) -> Mask:
    missing = np.zeros((size, size), dtype=bool)
    for _ in range(random.integers(1, 4)):
        height, width = (max(1, round(size * share)) for share in random.uniform(*_SIDES, 2))
        row, column = random.integers(0, size - height + 1), random.integers(0, size - width + 1)
        missing[row : row + height, column : column + width] = True
    return missing


def _stripes(random: np.random.Generator, size: int) -> Mask:
    """Return bands of points within half a width of parallel lines."""
    bands = int(random.integers(1, 3))
    width = size * random.uniform(*(_SIDES if bands == 1 else _TWO_BANDS))
    slant = np.deg2rad(random.uniform(*_SLANTS_DEG)) * random.choice([-1.0, 1.0])
    row, column = np.mgrid[:size, :size] - (size - 1) / 2
    across = column * np.cos(slant) + row * np.sin(slant)
    centre = size * random.uniform(-0.3, 0.3)
    apart = width + size * random.uniform(0.15, 0.35)
    offsets = across - centre if bands == 1 else np.abs(across - centre) - apart / 2
    return np.asarray(np.abs(offsets) <= max(width / 2, 0.5))


def _corner(random: np.random.Generator, size: int) -> Mask:
    tall, wide = size * random.uniform(*_LEGS, 2)
    row, column = np.mgrid[:size, :size]
    missing = row / tall + column / wide < 1.0
    if random.random() < 0.5:
        missing = missing[::-1]
    return np.asarray(missing[:, ::-1] if random.random() < 0.5 else missing)
