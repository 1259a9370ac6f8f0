"""Time the distances between 240 times of a region of 160 x 160 points: reading, embedding, both matrices.

python benchmarks/distances.py [--times 240] [--points 160]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tyro


@dataclass(frozen=True)
class Options:
    """What to time."""

    times: int = 240
    """Times to compare, at most those of the demo."""
    points: int = 160
    """Points along each side of the region."""
    repeats: int = 5
    """Runs of which the median is reported."""


def main(options: Options) -> None:
    """Print seconds of each step."""
    import numpy as np
    import torch

    import atmodist_core as ad
    from atmodist_core.figures.numbers.distances import lag_curves, time_matrices

    demo = ad.open_demo()
    first = (demo.sizes["latitude"] - options.points) // 2
    part = demo[["vorticity", "divergence"]].isel(
        time=slice(0, options.times),
        latitude=slice(first, first + options.points),
        longitude=slice(0, options.points),
    )
    print(
        f"{part.sizes['time']} times of {options.points} x {options.points} points, {torch.get_num_threads()} thread(s)"
    )
    start = time.perf_counter()
    fields = part.load()
    report("reading", time.perf_counter() - start)
    distance = ad.load_distance("atmodist-23")
    start = time.perf_counter()
    embeddings = distance.embed(fields).values
    report(f"embedding by {distance.name}", time.perf_counter() - start)
    scale = distance.card.distance_scale[distance.layers[-1]]
    matrices: Any = None
    seconds = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        matrices = time_matrices(fields, "vorticity", embeddings, scale=scale)
        seconds.append(time.perf_counter() - start)
    report(
        "AtmoDist and RMSE matrices after embedding",
        float(np.median(seconds)),
        f"largest {max(seconds):.2f} s",
    )
    start = time.perf_counter()
    lag_curves(fields, matrices)
    report("curves over the lag", time.perf_counter() - start)


def report(what: str, seconds: float, more: str = "") -> None:
    """Print one line."""
    print(f"{what:46s} {seconds:7.2f} s   {more}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
