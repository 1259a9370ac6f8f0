"""Time the distances between 240 times of a region of 160 x 160 points (reading, embedding, both matrices), and a search for similar times.

python benchmarks/distances.py [--times 240] [--points 160]
python benchmarks/distances.py --search-times 2920 [--embed-times 16]
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
    search_times: int = 0
    """Search so many times of a globe at 0.5 degrees instead, with made-up activations; a year every three hours has 2920."""
    embed_times: int = 16
    """Globes of the demo that are embedded to time that step of a search."""


def search(options: Options) -> None:
    """Print the speed of embedding, and seconds of queries in a long record."""
    import numpy as np
    import torch

    import atmodist_core as ad
    from atmodist_core.inference.similar.record import EmbeddedRecord
    from atmodist_core.inference.similar.record_distances import sampled_pairs

    demo = ad.open_demo().isel(time=slice(0, options.embed_times)).load()
    distance = ad.load_distance("atmodist-23")
    embedded = ad.embed_record(demo.isel(time=slice(0, 1)), model=distance)  # loads what a first pass needs
    threads = torch.get_num_threads()
    start, busy = time.perf_counter(), time.process_time()
    embedded = ad.embed_record(demo, model=distance)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    print(
        f"{options.search_times} times of 360 x 720 points, activations {embedded.blocks[0].shape[1:]}, {threads} thread(s)"
    )
    report(
        f"embedding {options.embed_times} times",
        seconds,
        f"{options.embed_times / busy:.2f} fields per second of a core",
    )
    random = np.random.default_rng(0)
    shape = embedded.blocks[0].shape[1:]
    starts = range(0, options.search_times, 64)
    blocks = tuple(
        random.standard_normal((min(64, options.search_times - first), *shape), np.float32).astype(np.float16)
        for first in starts
    )
    times = np.datetime64("2001-01-01", "ns") + np.arange(options.search_times) * np.timedelta64(3, "h")
    record = EmbeddedRecord(blocks, times, embedded.latitude, embedded.longitude, embedded.attributes)
    start = time.perf_counter()
    record.known_pairs[None] = sampled_pairs(record, record.weights(None))
    report("pairs behind the percentiles (once, in the store)", time.perf_counter() - start)
    for name, region in (("globe", None), ("Europe", "Europe")):
        seconds_of, cores = [], []
        for repeat in range(options.repeats + 1):
            start, busy = time.perf_counter(), time.process_time()
            ad.find_similar(record, times[(97 * repeat) % times.size], region=region, exclude_hours=240)
            seconds_of.append(time.perf_counter() - start)
            cores.append(time.process_time() - busy)
        report(
            f"query, {name}",
            float(np.median(seconds_of[1:])),
            f"the first {seconds_of[0]:.2f} s; of a core {np.median(cores[1:]):.2f} s, the first {cores[0]:.2f} s",
        )


def main(options: Options) -> None:
    """Print seconds of each step."""
    if options.search_times:
        search(options)
        return
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
    print(f"{what:50s} {seconds:7.2f} s   {more}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
