"""Measure training and inference on a GPU: throughput, share of peak performance, and the bottleneck.

::

    python benchmarks/gpu.py
    python benchmarks/gpu.py --seconds 20 --distance-batch 256
    python benchmarks/gpu.py --device cpu --seconds 1 --distance-batch 4 --gan-batch 4 --patches 4   # tries the script

The trainers run on synthetic weather on the GPU. torch counts the operations of convolutions and matrix products,
forward and backward; a multiply-add counts as two. The share is relative to the dense peak in the precision of the
row. "Busy" is the share of time in which a kernel runs (torch's profiler): if it is low, the GPU waits for the CPU
to launch kernels. "Data" is the rate of drawing and cutting pairs only. :func:`what_bounds` finds the bottleneck from
these three. Without a GPU, nothing is measured unless ``--device cpu`` is given.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from loading import batches, per_second

from atmodist_core.common.hardware import choose_hardware
from atmodist_core.inference.embedding import EncoderInference
from atmodist_core.inference.generator_inference import GeneratorInference
from atmodist_core.networks import DistanceNetwork, Encoder, Generator, LagClassifier
from atmodist_core.networks.normalization import PAPER_ERA5
from atmodist_core.training.configuration import DataConfig, DistanceConfig, GanConfig, RunConfig
from atmodist_core.training.data.synthetic import synthetic_fields
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.distance.distance_training import DistanceTrainer
from atmodist_core.training.gan.gan_training import GanTrainer

PEAKS = {
    "H200": {"bfloat16": 989.5, "tf32": 494.7, "float32": 66.9},
    "H100 PCIe": {"bfloat16": 756.0, "tf32": 378.0, "float32": 51.0},
    "H100 NVL": {"bfloat16": 835.0, "tf32": 417.5, "float32": 60.0},
    "H100": {"bfloat16": 989.5, "tf32": 494.7, "float32": 66.9},
    "A100": {"bfloat16": 312.0, "tf32": 156.0, "float32": 19.5},
    "L40S": {"bfloat16": 362.0, "tf32": 183.0, "float32": 91.6},
    "L40": {"bfloat16": 181.0, "tf32": 90.5, "float32": 90.5},
    "L4": {"bfloat16": 121.0, "tf32": 60.0, "float32": 30.3},
}
"""Dense peaks [TFLOP/s] by a part of the GPU's name (first match), from NVIDIA's data sheets with sparse values halved. "H100"
is the SXM version."""

GOAL_PAIRS = 10_000
"""Pairs per second that loading should reach on a GPU."""
_NEAR_DATA = 1.3
_KEEPS_BUSY = 0.85


@dataclass(frozen=True)
class Settings:
    """Settings of the measurement."""

    device: str = "cuda"
    """cuda, or cpu to try the script."""
    seconds: float = 10.0
    """Duration of each measurement."""
    distance_batch: int = 128
    """Pairs in a step of the distance network, as published."""
    gan_batch: int = 64
    """Patches in a step of the GAN, as published."""
    patches: int = 256
    """Patches of 160 x 160 in a call of the encoder."""


def peak(card: str, precision: str) -> float:
    """Return the dense peak of a GPU [TFLOP/s] in "bfloat16", "tf32" or "float32"; NaN if unknown."""
    return next((peaks[precision] for name, peaks in PEAKS.items() if name in card), math.nan)


def what_bounds(step_rate: float, data_rate: float, busy: float) -> str:
    """Return the bottleneck of a training step, from rates [samples/s] of complete steps and of loading only.

    `busy` is the share of time in which a kernel ran; rates and share are NaN if not measured.
    """
    if data_rate < _NEAR_DATA * step_rate:
        return "data"
    if math.isnan(busy):
        return "not known"
    return "launches" if busy < _KEEPS_BUSY else "compute"


def operations(call: Callable[[], object]) -> float:
    """Return the floating-point operations of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())


def busy_share(call: Callable[[], object], device: torch.device, calls: int = 5) -> float:
    """Return the share of time in which a kernel ran; NaN on the CPU."""
    if device.type != "cuda":
        return math.nan
    torch.cuda.synchronize()
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        for _ in range(calls):
            call()
        torch.cuda.synchronize()
    # The profiler slows the processor, so the time of the kernels is set against the clock without it.
    kernels = 1e-6 * sum(event.self_device_time_total for event in profile.key_averages()) / calls
    start = time.perf_counter()
    for _ in range(calls):
        call()
    torch.cuda.synchronize()
    return min(1.0, kernels * calls / (time.perf_counter() - start))


@dataclass(frozen=True)
class Row:
    """Something that runs on the card again and again."""

    name: str
    call: Callable[[int], Any]
    samples: int
    precision: str
    unit: str
    data_rate: float = math.nan


def training_rows(settings: Settings, device: torch.device, precision: str) -> list[Row]:
    """Steps of the distance, of the generator's pre-training and of the GAN, with data on the card."""
    weather = synthetic_fields(100, latitude_count=180)
    data = DataConfig(validation_fraction=0.3, gap_hours=0.0, mirror=True)
    if device.type == "cuda":
        data = dataclasses.replace(data, residence="gpu")
    # cuDNN chooses among all algorithms: speed is asked for here, not repeatability.
    run = RunConfig(progress=False, device=device.type, precision=precision, deterministic=False)
    hardware = choose_hardware(device.type, precision, 0, deterministic=False)
    config = DistanceConfig(
        data=dataclasses.replace(data, patch_size=160), run=run, batch_size=settings.distance_batch
    )
    fields = load_training_data(config.data, sources=[weather]).normalized()
    draw = batches(fields.to(device), 160, settings.distance_batch)
    rate = per_second(draw, settings.distance_batch, settings.seconds)[0]
    # On a GPU torch's convolutions use TF32 by default.
    units = "tf32" if precision == "float32" and device.type == "cuda" else precision
    trainer = DistanceTrainer(config, fields, hardware)
    name = f"distance, {settings.distance_batch} pairs of 160 x 160"
    rows = [Row(name, trainer.step, trainer.samples_per_step, units, "pairs", rate)]
    physical = load_training_data(data, sources=[weather])
    for name, epochs in (("generator pre-training, 24 -> 96", 1), ("GAN, MSE content, 24 -> 96", 0)):
        gan = GanConfig(
            data=dataclasses.replace(data, patch_size=96),
            run=run,
            batch_size=settings.gan_batch,
            pretraining_epochs=epochs,
            # no extra steps, so that every step costs the same
            balance_low=0.0,
            balance_high=1e9,
        )
        rows.append(Row(name, GanTrainer(gan, physical, hardware).step, settings.gan_batch, units, "patches"))
    return rows


def inference_rows(settings: Settings, device: torch.device, precision: Any) -> list[Row]:
    """Generator and encoder as the library runs them, from and to the processor's memory."""
    random, spread = np.random.default_rng(0), np.array([[[5e-5]], [[3e-5]]], dtype=np.float32)
    coarse = spread * random.standard_normal((2, 80, 160), dtype=np.float32)
    generator = GeneratorInference(Generator(), PAPER_ERA5, device, precision)
    area, whole = np.ones(320, dtype=np.float32), (slice(0, 80), slice(0, 160))
    network = DistanceNetwork(Encoder(), LagClassifier())
    encoder = EncoderInference(network, PAPER_ERA5, device, precision)
    patches = spread * random.standard_normal((settings.patches, 2, 160, 160), dtype=np.float32)
    return [
        Row(
            "generator 80 x 160 -> 320 x 640",
            lambda step: generator(coarse, whole, lambda: None, area),
            1,
            precision,
            "fields",
        ),
        Row(
            f"encoder, {settings.patches} patches of 160 x 160",
            lambda step: encoder.encode_patches(patches).cpu(),
            settings.patches,
            precision,
            "patches",
        ),
    ]


def main(settings: Settings) -> None:
    """Measure and print a line for each row."""
    if settings.device == "cuda" and not torch.cuda.is_available():
        print("Skipped: needs a CUDA device, found none; --device cpu tries the script on the processor.")
        return
    device = torch.device(settings.device)
    card = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, no peak"
    print(f"{card}; torch {torch.__version__}; at least {settings.seconds:g} s each")
    print(
        f"{'':38s} {'precision':9s} {'per second':>18s} {'TFLOP/s':>8s} {'of peak':>8s} {'busy':>5s} {'data/s':>8s}  bound by"
    )
    for precision in ("float32", "bfloat16"):
        for row in (
            *training_rows(settings, device, precision),
            *inference_rows(settings, device, precision),
        ):
            row.call(0)
            each = operations(lambda row=row: row.call(1)) / row.samples
            rate = per_second(lambda step, row=row: row.call(2 + step), row.samples, settings.seconds)[0]
            busy = busy_share(lambda row=row: row.call(3), device)
            reached = 1e-12 * each * rate
            print(
                f"{row.name:38s} {row.precision:9s} {rate:10.1f} {row.unit:>7s} {reached:8.3f} "
                f"{100 * reached / peak(card, row.precision):6.1f} % {busy:5.2f} {row.data_rate:8.0f}  "
                f"{what_bounds(rate, row.data_rate, busy)}",
                flush=True,
            )
            if row.unit == "pairs" and device.type == "cuda":
                met = "met" if row.data_rate >= GOAL_PAIRS else "missed"
                print(f"  goal of {GOAL_PAIRS} pairs/s from loading: {met}", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
