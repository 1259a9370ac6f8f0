"""Time the spherical-harmonic transforms against ducc0 and pyshtools.

::

    python benchmarks/transforms.py
    python benchmarks/transforms.py --sizes 300x600 --batches 1 33 --threads 1
    OMP_NUM_THREADS=1 python benchmarks/transforms.py --threads 1 --clock cpu     # on a busy machine

Ours and ducc0 use float32; pyshtools uses float64 and the Driscoll-Healy grid of the same truncation, for scalars only. The
libraries take turns, so that a busy machine affects all of them. In a turn, each is called several times: the first call
finds the cache of the processor filled by the others, the following calls find their own tables. Both are printed. Times are
per field (or pair of wind components), without set-up, which is printed separately: computing the tables and reading them
from the disk cache. Ratios are medians relative to ducc0: above one, ducc0 is faster. ducc0 and pyshtools are in the extra
``test``.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from atmodist_core.harmonics import SphericalHarmonicTransform, keep_freed_memory


@dataclass(frozen=True)
class Size:
    """A grid and a truncation that are timed."""

    rows: int
    columns: int
    truncation: int
    grid: str
    geometry: str


SIZES = {
    "300x600": Size(300, 600, 199, "gaussian", "GL"),
    "721x1440": Size(721, 1440, 359, "equiangular-with-poles", "CC"),
    "1280x2560": Size(1280, 2560, 639, "cell-centred", "F1"),
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def random_state(size: Size, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """White vorticity and divergence [s-1], shape (batch, L + 1, L + 1)."""
    shape = (2, batch, size.truncation + 1, size.truncation + 1)
    values = 1e-5 * torch.tril(torch.randn(*shape, dtype=torch.complex64))
    values[..., 0] = values[..., 0].real + 0j
    values[..., 0, 0] = 0.0
    return values[0], values[1]


def our_calls(
    transform: SphericalHarmonicTransform, size: Size, batch: int
) -> dict[str, Callable[[], object]]:
    """Our four transforms of a batch."""
    state = random_state(size, batch)
    u, v = transform.vorticity_divergence_to_wind(*state)
    vorticity, divergence = transform.wind_to_vorticity_divergence(u, v)
    return {
        "analysis": lambda: transform.analysis(u),
        "synthesis": lambda: transform.synthesis(vorticity),
        "wind analysis": lambda: transform.wind_to_vorticity_divergence(u, v),
        "wind synthesis": lambda: transform.vorticity_divergence_to_wind(vorticity, divergence),
    }


def ducc_calls(size: Size, threads: int) -> dict[str, Callable[[], object]]:
    """The same with ducc0, of one field: it takes one at a time."""
    import ducc0

    rng = np.random.default_rng(0)
    degrees = {"lmax": size.truncation, "mmax": size.truncation}
    common = {**degrees, "geometry": size.geometry, "nthreads": threads}
    grid = {"ntheta": size.rows, "nphi": size.columns}
    field = rng.standard_normal((1, size.rows, size.columns)).astype(np.float32)
    wind = rng.standard_normal((2, size.rows, size.columns)).astype(np.float32)
    scalar = ducc0.sht.analysis_2d(map=field, spin=0, **common)
    vector = ducc0.sht.analysis_2d(map=wind, spin=1, **common)
    return {
        "analysis": lambda: ducc0.sht.analysis_2d(map=field, spin=0, **common),
        "synthesis": lambda: ducc0.sht.synthesis_2d(alm=scalar, spin=0, **common, **grid),
        "wind analysis": lambda: ducc0.sht.analysis_2d(map=wind, spin=1, **common),
        "wind synthesis": lambda: ducc0.sht.synthesis_2d(alm=vector, spin=1, **common, **grid),
    }


def pyshtools_calls(size: Size) -> dict[str, Callable[[], object]]:
    """The scalar transforms with pyshtools, on the Driscoll-Healy grid of the same truncation."""
    from pyshtools.backends import shtools  # its own code: its default backend is ducc0

    rows = 2 * (size.truncation + 1)
    field = np.random.default_rng(0).standard_normal((rows, 2 * rows))
    coefficients = shtools.SHExpandDH(field, norm=4, sampling=2)
    return {
        "analysis": lambda: shtools.SHExpandDH(field, norm=4, sampling=2),
        "synthesis": lambda: shtools.MakeGridDH(coefficients, norm=4, sampling=2),
    }


def set_up(size: Size) -> tuple[SphericalHarmonicTransform, float, float]:
    """Make a transform: with the seconds it takes to build its tables and to read them back."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ATMODIST_CACHE"] = folder
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            transform = SphericalHarmonicTransform(size.rows, size.columns, size.truncation, size.grid)
            seconds.append(time.perf_counter() - start)
    return transform, seconds[0], seconds[1]


def measure(
    contestants: dict[str, tuple[Callable[[], object], int]],
    repeats: int,
    in_a_row: int,
    clock: Callable[[], float],
) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds per field of each contestant, given as (call, fields in a call), taking turns.

    First those of the calls that came after another contestant's, then those of the calls in a row.
    """
    for call, _ in contestants.values():
        call()
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in contestants}
    for _ in range(repeats):
        for name, (call, fields) in contestants.items():
            for number in range(in_a_row):
                start = clock()
                call()
                times[name][min(number, 1)].append((clock() - start) / fields)
    return times


def report(
    size: Size, batches: list[int], threads: int, repeats: int, in_a_row: int, clock: Callable[[], float]
) -> None:
    """Print one table: a line for each transform and contestant."""
    torch.set_num_threads(threads)
    transform, build, read = set_up(size)
    print(f"\n### {size.rows} x {size.columns} {size.grid}, T{size.truncation}, {threads} thread(s)\n")
    megabytes = transform.table_bytes / 1e6
    print(f"Tables {megabytes:.0f} MB, built in {build:.2f} s, read from the cache in {read:.2f} s.\n")
    print(
        "| transform | who | in a row, median ms | quartiles ms | over ducc0 | after others, median ms | over ducc0 |"
    )
    print("|---|---|---|---|---|---|---|")
    ours = {batch: our_calls(transform, size, batch) for batch in batches}
    ducc, shtools = ducc_calls(size, threads), pyshtools_calls(size)
    for name in ducc:
        contestants = {f"ours, {batch} at once": (calls[name], batch) for batch, calls in ours.items()}
        contestants["ducc0"] = (ducc[name], 1)
        if name in shtools and threads == 1:
            contestants["pyshtools (float64)"] = (shtools[name], 1)
        times = measure(contestants, repeats, in_a_row, clock)
        references = [statistics.median(seconds) for seconds in times["ducc0"]]
        for who, (first, rest) in times.items():
            low, median, high = (1e3 * value for value in statistics.quantiles(rest, n=4))
            after = 1e3 * statistics.median(first)
            print(
                f"| {name} | {who} | {median:.2f} | {low:.2f}-{high:.2f} | {median / 1e3 / references[1]:.2f} "
                f"| {after:.2f} | {after / 1e3 / references[0]:.2f} |"
            )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES), help="grids to time")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8], help="fields in one call of ours")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="numbers of threads")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each; at least 2")
    parser.add_argument("--in-a-row", type=int, default=20, help="calls in a turn; at least 2")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: seconds of the processor")
    settings = parser.parse_args()
    if min(settings.repeats, settings.in_a_row) < 2 or min(settings.batches + settings.threads) < 1:
        parser.error(
            "expected at least 2 repeats and calls in a row, and positive numbers of fields and threads"
        )
    missing = [name for name in ("ducc0", "pyshtools") if find_spec(name) is None]
    if missing:
        parser.error(f"expected {' and '.join(missing)} to compare with: pip install -e .[test]")
    keep_freed_memory()
    torch.manual_seed(0)
    for name in settings.sizes:
        for threads in settings.threads:
            clock = CLOCKS[settings.clock]
            report(SIZES[name], settings.batches, threads, settings.repeats, settings.in_a_row, clock)


if __name__ == "__main__":
    main()
