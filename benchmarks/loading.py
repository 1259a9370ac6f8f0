"""Measure patches per second from memory, from a training store and on a GPU.

python benchmarks/loading.py [--grid ROWS] [--size 64] [--threads 0 1 2 4] [--seconds S] [--folder DIR]

Creates a store on a grid of ROWS x 2 ROWS points, and measures for pairs of patches (drawn, cut, converted, normalised):

- memory, the store in the operating system's page cache (warm) and after dropping it before every batch (cold), with N threads,
  and a GPU if there is one;
- one training step of the distance network on patches of the same size.

The last column is the ratio of loading speed to training speed. On a busy machine, CPU seconds are more reliable than
wall-clock seconds; both are printed.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from atmodist_core.common.hardware import choose_hardware
from atmodist_core.training.configuration import DataConfig, DistanceConfig, RunConfig
from atmodist_core.training.data import patches
from atmodist_core.training.data.synthetic import synthetic_fields
from atmodist_core.training.data.training_data import TrainingData, load_training_data
from atmodist_core.training.distance.distance_training import DistanceTrainer
from atmodist_core.training.settings.prepare_configuration import PrepareConfig
from atmodist_core.training.store.store_writing import prepare_store

CLASSES, TIMES = 23, 60


def per_second(call: Callable[[int], object], count: int, seconds: float) -> tuple[float, float]:
    """Things per second of the clock and of the processor, after one call to warm up."""

    def synchronise() -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    call(0)
    synchronise()
    start, start_processor, calls = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds or calls < 2:
        calls += 1
        call(calls)
    synchronise()
    clock, processor = time.perf_counter() - start, time.process_time() - start_processor
    return calls * count / clock, calls * count / max(processor, 1e-9)


def forget(store: Path) -> None:
    """Ask the operating system to give up what it keeps of the store's files."""
    for path in store.rglob("c/*/0/0/0"):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def batches(data: TrainingData, size: int, batch: int) -> Callable[[int], object]:
    """Pairs of a step, as a trainer gets them."""
    sampler = patches.PatchSampler(data.training_fields, data.training, patch_size=size, mirror=True)

    def draw(step: int) -> object:
        places = sampler.pairs(step, batch, classes=CLASSES, stride=1)
        return patches.cut_pairs(data.training_fields, places, size, 1)

    return draw


def made_up_store(folder: Path, rows: int) -> tuple[Path, float]:
    """A store of red noise, repeated in time, and the rate at which it was written [bytes/s]."""
    weather = synthetic_fields(TIMES, latitude_count=min(rows, 180))
    repeat = -(-rows // len(weather.latitude))
    wide = weather.isel(
        latitude=np.repeat(np.arange(len(weather.latitude)), repeat)[:rows],
        longitude=np.repeat(np.arange(len(weather.longitude)), repeat)[: 2 * rows],
    ).assign_coords(
        latitude=90.0 - 180.0 / rows * (np.arange(rows) + 0.5), longitude=180.0 / rows * np.arange(2 * rows)
    )
    source = folder / "source.nc"
    wide.to_netcdf(source, engine="h5netcdf", encoding={n: {"chunksizes": (1, rows, 2 * rows)} for n in wide})
    out = folder / "store"
    began: list[tuple[float, int]] = []
    start = time.process_time()
    prepare_store(
        PrepareConfig(data=(str(source),), out=out, validation_fraction=0.5, gap_hours=0.0, workers=1),
        report=lambda _, __, written, ___: began.append((time.process_time(), written)),
    )
    source.unlink()
    return out, began[-1][1] / (time.process_time() - start)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", type=int, default=720, help="rows of the grid")
    parser.add_argument("--size", type=int, default=64, help="side of the patches")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, nargs="+", default=[0, 1, 2, 4])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--folder", type=Path, help="where the store is made (a disk to be measured)")
    options = parser.parse_args()
    size, batch = options.size, options.batch_size
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        store, rate = made_up_store(folder, options.grid)
        print(f"train/prepare.py, one worker: {rate / 1e6:.0f} MB of store a second of the processor")
        config = DataConfig(data=(store,), patch_size=size, mirror=True, residence="memory")
        data = load_training_data(config).normalized()
        rows: list[tuple[str, float, float]] = []

        sampler = patches.PatchSampler(data.training_fields, data.training, patch_size=size)
        clock, processor = per_second(
            lambda step: sampler.pairs(step, batch, classes=CLASSES, stride=1), batch, options.seconds
        )
        print(f"drawing places alone: {1e3 * batch / processor:.2f} ms of the processor for {batch} pairs")
        hardware = choose_hardware("auto", "auto", 0)
        run = RunConfig(out=folder / "run", progress=False)
        trainer = DistanceTrainer(
            DistanceConfig(data=config, run=run, batch_size=min(batch, 32)), data, hardware
        )
        network = per_second(trainer.step, trainer.samples_per_step, options.seconds)
        rows.append(("the network's training step", *network))

        rows.append(("memory", *per_second(batches(data, size, batch), batch, options.seconds)))
        for threads in options.threads:
            left = dataclasses.replace(config, residence="store", loader_workers=threads)
            warm = batches(load_training_data(left).normalized(), size, batch)
            for step in range(20):
                warm(step)
            rows.append((f"store, warm, {threads} thread(s)", *per_second(warm, batch, options.seconds)))
            cold = batches(load_training_data(left).normalized(), size, batch)
            spent: list[float] = []
            for step in range(10):
                forget(store)
                start = time.perf_counter()
                cold(step)
                spent.append(time.perf_counter() - start)
            rows.append((f"store, cold, {threads} thread(s)", batch / float(np.median(spent)), float("nan")))
        if torch.cuda.is_available():
            device = torch.device("cuda")
            for residence in ("memory", "gpu"):
                placed = dataclasses.replace(config, residence=residence)
                there = load_training_data(placed).normalized().to(device)
                rate_ = per_second(batches(there, size, batch), batch, options.seconds)
                rows.append((f"{residence}, patches on the GPU", *rate_))
        print(
            f"{'pairs of ' + f'{size} x {size}':34s} {'per s':>10s} {'per proc. s':>12s} {'x network':>10s}"
        )
        for what, clock, processor in rows:
            print(f"{what:34s} {clock:10.0f} {processor:12.0f} {clock / network[0]:10.1f}")


if __name__ == "__main__":
    main()
