"""Do a distance network and simple numbers notice that data are of another climate than a reference?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.evaluation.run.energy_test import EnergyTest, energy_test
from atmodist_core.evaluation.run.state_vectors import (
    activation_vectors,
    mean_vectors,
    small_scale_vectors,
    square_vectors,
)
from atmodist_core.inference.atmodist import AtmoDist


@dataclass(frozen=True)
class BlockVectors:
    """Vectors of a series: ``values`` of shape ``(time, component)``, and ``blocks`` of shape ``(time,)``, equal within a block of days."""

    values: NDArray[np.float64]
    blocks: NDArray[np.generic]


def climate_vectors(
    fields: xr.Dataset,
    networks: Mapping[str, AtmoDist],
    *,
    layers: Sequence[str] = ("stage2",),
    factor: int = 4,
    block_days: int = 1,
) -> dict[str, BlockVectors]:
    """Return vectors of a series in every space that is tried: of each network, and of three kinds of simple numbers.

    The simple ones are means of the fields and of their squares in bands of latitude, and the power beyond the Nyquist wavenumber of a
    grid ``factor`` times coarser; see :mod:`atmodist_core.evaluation.run.state_vectors`.
    """
    days = fields["time"].dt.strftime("%Y-%m-%d").values  # of any calendar
    blocks = np.unique(days, return_inverse=True)[1].ravel() // block_days
    found = {
        f"{name}, {' and '.join(layers)}": activation_vectors(network, fields, layers=layers)
        for name, network in networks.items()
    }
    found |= {
        "means in bands": mean_vectors(fields),
        "l2: mean squares in bands": square_vectors(fields),
        "small-scale power": small_scale_vectors(fields, factor=factor),
    }
    return {space: BlockVectors(values, blocks) for space, values in found.items()}


def detect(
    reference: Mapping[str, BlockVectors],
    other: Mapping[str, BlockVectors],
    *,
    permutations: int = 9999,
    seed: int = 0,
) -> dict[str, EnergyTest]:
    """Return the test of each space that two series share, see :func:`~atmodist_core.evaluation.run.energy_test.energy_test`."""
    return {
        space: energy_test(
            mine.values,
            other[space].values,
            mine.blocks,
            other[space].blocks,
            permutations=permutations,
            seed=seed,
        )
        for space, mine in reference.items()
        if space in other
    }


def detection_table(found: Sequence[tuple[str, Mapping[str, EnergyTest] | None]], reference: str) -> str:
    """Return a Markdown table of data, space and test against the reference; None where there is no test."""
    lines = [
        f"| data | compared with {reference} in | energy distance | share | effect | p | divisions |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for data, tests in found:
        if tests is None:
            lines.append(f"| {data} | – | – | – | – | – | – |")
            continue
        for space, test in tests.items():
            p = f"{test.p_value:.4f}".rstrip("0") if test.p_value < 0.1 else f"{test.p_value:.2f}"
            numbers = (f"{test.statistic:.2f}", f"{test.share:.3f}", f"{test.effect:+.1f}", p)
            count = f"{test.permutations}, {'all' if test.exact else 'drawn'}"
            lines.append(f"| {data} | {space} | {' | '.join(numbers)} | {count} |")
    return "\n".join(lines)
