"""Measure seconds and memory over the side of a region, the rows of a globe, times and models.

::

    python benchmarks/cost.py
    python benchmarks/cost.py --threads 1 --largest 256 --repeats 3

Fields are noise with the standard deviation of ERA5. "First" is the first call of a size, which also draws pairs of points or
computes tables. "Then" is the median of later calls, with minimum and maximum. "Memory" is the increase of the resident memory
since before the first call (Linux). The exponent p of "seconds ~ size^p" is fitted to "then" over all sizes, and given for the
last step separately, because small sizes have a constant cost.
"""

from __future__ import annotations

import ctypes
import gc
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atmodist_core as ad
from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.common.hardware import Hardware
from atmodist_core.figures.numbers.distances import time_matrices

SPREAD = {"vorticity": 5e-5, "divergence": 3e-5}
"""Standard deviations of the noise [s-1]: about those of ERA5."""
SPACING_DEG = 0.1
"""Spacing of the points of regions: 720 points reach from 36 S to 36 N."""


@dataclass(frozen=True)
class Settings:
    """Settings of the measurement."""

    threads: int = 0
    """CPU threads; 0 for PyTorch's default."""
    repeats: int = 3
    """Timed calls of each size after the first."""
    largest: int = 720
    """Largest side of a region, or number of rows of a globe [points]."""
    most_times: int = 240
    """Largest number of times."""
    downscaler: str = "srgan-4x-atmodist"
    """Model that is timed."""
    only: str = ""
    """Measure only rows whose name contains this text."""


@dataclass(frozen=True)
class Cost:
    """Cost of a call at one size: seconds, and increase of memory in bytes (NaN if unknown)."""

    size: int
    first: float
    then: list[float]
    memory: float


def fields(latitude: np.ndarray, longitude: np.ndarray, times: int = 1) -> xr.Dataset:
    """Return noise with canonical names, three hours apart."""
    random, shape = np.random.default_rng(0), (times, latitude.size, longitude.size)
    axes = ("time", "latitude", "longitude")
    return xr.Dataset(
        {
            name: (axes, (s * random.standard_normal(shape)).astype(np.float32), {"units": "s-1"})
            for name, s in SPREAD.items()
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(times) * np.timedelta64(3, "h"),
            "latitude": latitude,
            "longitude": longitude,
        },
        {"source": "noise", "level": "none"},
    )


def region(side: int, times: int = 1, spacing: float = SPACING_DEG) -> xr.Dataset:
    """Return a square region centred on the equator."""
    offset = spacing * (np.arange(side) + 0.5 - side / 2)
    return fields(-offset, 100.0 + offset, times)


def globe(rows: int) -> xr.Dataset:
    """Return a cell-centred globe with twice as many columns as rows."""
    step = 180.0 / rows
    return fields(90.0 - step * (np.arange(rows) + 0.5), step * (np.arange(2 * rows) + 0.5))


def resident(which: str) -> float:
    """Return the resident memory (VmRSS) or its peak (VmHWM) [bytes]; NaN if unknown."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith(which))


def forget_peak() -> None:
    """Return freed memory to the system and reset the peak, if possible."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def measure(size: int, call: Callable[[], object], repeats: int) -> Cost:
    """Time a first call and repeated calls."""
    forget_peak()
    before, seconds = resident("VmRSS"), []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return Cost(size, seconds[0], seconds[1:], resident("VmHWM") - before)


def exponents(costs: list[Cost]) -> tuple[float, float]:
    """Return the slope of log seconds over log size, of all sizes and of the last step."""
    sizes = np.log([cost.size for cost in costs])
    seconds = np.log([statistics.median(cost.then) for cost in costs])
    last = (seconds[-1] - seconds[-2]) / (sizes[-1] - sizes[-2])
    return float(np.polyfit(sizes, seconds, 1)[0]), float(last)


def report(what: str, unit: str, costs: list[Cost]) -> None:
    """Print the lines of one quantity."""
    fitted, last = exponents(costs)
    print(f"\n{what}: seconds ~ ({unit})^{fitted:.2f}, last step ^{last:.2f}")
    for cost in costs:
        print(
            f"  {cost.size:5d} {unit:8s} first {cost.first:8.3f} s   then {statistics.median(cost.then):8.3f} s "
            f"({min(cost.then):.3f}-{max(cost.then):.3f})   memory {cost.memory / 1e6:7.0f} MB",
            flush=True,
        )


def rows(settings: Settings) -> dict[str, tuple[str, list[int], Callable[[int], Callable[[], object]]]]:
    """What is measured: unit, sizes, and what makes the call of a size."""
    downscaler = ad.load_downscaler(settings.downscaler)
    distance = ad.load_distance("atmodist-23")
    factor = downscaler.factor
    sides = [size for size in (64, 128, 256, 512, 720) if size <= settings.largest]
    globes = [size for size in (90, 180, 360, 720) if size <= settings.largest]
    times = [count for count in (15, 30, 60, 120, 240) if count <= settings.most_times]
    methods = [ad.load_downscaler(card.name) for card in ad.list_models() if card.kind == "downscaler"]

    def coarse_region(size: int) -> xr.Dataset:
        return region(size // factor, spacing=factor * SPACING_DEG)

    def matrices(count: int) -> Callable[[], object]:
        states = region(64, count)
        embeddings = distance.embed(states).values
        return lambda: time_matrices(states, "vorticity", embeddings)

    def period(count: int) -> Callable[[], object]:
        states = region(64, count)
        return lambda: time_matrices(states, "vorticity", distance.embed(states).values)

    def compare(count: int) -> Callable[[], object]:
        truth = region(128)
        coarse = ad.coarsen(truth, factor=factor)
        return lambda: [ad.evaluation.scores(one(coarse), truth, factor=factor) for one in methods[:count]]

    return {
        "downscaling of a region": ("points", sides, lambda n: _on(downscaler, coarse_region(n))),
        "spectrum of a region": ("points", sides, lambda n: _on(ad.regional_spectrum, region(n))),
        "semivariogram of a region": ("points", sides, lambda n: _on(ad.evaluation.semivariogram, region(n))),
        "embedding of a region": ("points", sides, lambda n: _on(distance.embed, region(n))),
        "downscaling of a globe": (
            "rows",
            [n for n in globes if n <= 360],
            lambda n: _on(downscaler, globe(n // factor)),
        ),
        "spectrum of a globe": ("rows", globes, lambda n: _on(ad.energy_spectrum, globe(n))),
        "semivariogram of a globe": ("rows", globes, lambda n: _on(ad.evaluation.semivariogram, globe(n))),
        "spectra of a period, 64 points": (
            "times",
            times,
            lambda n: _on(ad.regional_spectrum, region(64, n)),
        ),
        "embeddings and distance matrices of a period, 64 points": ("times", times, period),
        "distance matrices of a period alone, 64 points": ("times", times, matrices),
        "methods: downscaling to 128 points and scores": ("methods", [*range(1, len(methods) + 1)], compare),
    }


def _on(measure_of: Callable[[xr.Dataset], object], states: xr.Dataset) -> Callable[[], object]:
    return lambda: measure_of(states)


def main(settings: Settings) -> None:
    """Measure and print a part for each quantity."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    # The noise is unlike what the models were trained on.
    warnings.simplefilter("ignore", AtmodistWarning)
    print(Hardware("cpu", "float32").describe())
    for what, (unit, sizes, make) in rows(settings).items():
        if settings.only in what and len(sizes) > 1:
            report(what, unit, [measure(size, make(size), settings.repeats) for size in sizes])


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
