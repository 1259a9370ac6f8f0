"""Time generator and encoder as the library runs them: float32 and bfloat16, torch and OpenVINO.

::

    python benchmarks/inference.py
    python benchmarks/inference.py --globe --threads 2
    python benchmarks/inference.py --accuracy

Weights are random. Normalisation and its inverse are included; the first call, which selects algorithms, is not. Variants take
turns, so that a busy machine affects all of them. OpenVINO needs its extra and a CPU. Ratios are torch's float32 median divided
by each median; brackets give the quartiles of the time.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from atmodist_core.common.hardware import Hardware
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.inference.devices import Engine, Precision, resolve_device
from atmodist_core.inference.embedding import EncoderInference
from atmodist_core.inference.generator_inference import GeneratorInference
from atmodist_core.inference.tiling import enlarge, plan_tiles
from atmodist_core.networks import DistanceNetwork, Encoder, Generator, LagClassifier
from atmodist_core.networks.normalization import PAPER_ERA5

Call = Callable[[], object]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
STANDARD_DEVIATION = np.array([[[5e-5]], [[3e-5]]], dtype=np.float32)
"""Of the random input fields [s-1]: about that of vorticity and divergence in ERA5."""


@dataclass(frozen=True)
class Settings:
    """What is timed."""

    repeats: int = 7
    """Timed calls of each kind; the median is reported."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    device: str | None = None
    """Torch device; a GPU where there is one by default."""
    patches: int = 32
    """Patches of 160 x 160 in one call of the encoder."""
    accuracy: bool = False
    """Instead: how far each is from torch's float32 on a time of the demo, in fields and small scales."""
    globe: bool = False
    """Also time a globe of 320 x 640 to 1280 x 2560 points, in tiles."""


def random_fields(*size: int) -> np.ndarray:
    """Random fields [s-1], shape ``(2, *size)``."""
    rng = np.random.default_rng(0)
    return (rng.standard_normal((2, *size)) * STANDARD_DEVIATION).astype(np.float32)


def variants(device: torch.device) -> list[tuple[Engine, Precision]]:
    """Engines and precisions that this machine has."""
    engines: list[Engine] = ["torch"]
    if device.type == "cpu" and find_spec("openvino"):
        engines.append("openvino")
    return list(product(engines, PRECISIONS))


def calls_of(kind: Any, network: Any, device: torch.device, call: Callable[[Any], Call]) -> dict[str, Call]:
    """A call for each engine and precision, with the network as that kind of inference."""
    return {
        f"{engine} {precision}": call(kind(network, PAPER_ERA5, device, precision, engine))
        for engine, precision in variants(device)
    }


def generator_calls(rows: int, columns: int, device: torch.device) -> dict[str, Call]:
    """One call for each precision that enlarges a window as a whole."""
    fields = random_fields(rows, columns)

    def call(inference: GeneratorInference) -> Call:
        area = np.ones(inference.factor * rows, dtype=np.float32)
        return lambda: inference(fields, (slice(0, rows), slice(0, columns)), lambda: None, area)

    return calls_of(GeneratorInference, Generator(), device, call)


def globe_calls(rows: int, columns: int, device: torch.device) -> dict[str, Call]:
    """One call for each precision that enlarges a globe in tiles, exactly as a downscaler does."""
    fields = random_fields(rows, columns)
    spacing = 180.0 / rows
    latitude, longitude = 90.0 - spacing * (np.arange(rows) + 0.5), spacing * np.arange(columns)
    boundaries = Boundaries.of(latitude, longitude)

    def call(inference: GeneratorInference) -> Call:
        tiles = plan_tiles(
            (0, rows),
            (0, columns),
            boundaries,
            margin=inference.radius,
            tile=None,
            largest_window=inference.largest_window,
        )
        return lambda: enlarge(
            fields, inference, boundaries, tiles, latitude, progress=lambda fraction: None, check=lambda: None
        )

    return calls_of(GeneratorInference, Generator(), device, call)


def encoder_calls(patches: int, device: torch.device) -> dict[str, Call]:
    """One call for each precision that encodes patches of 160 x 160 points."""
    network = DistanceNetwork(Encoder(), LagClassifier())
    fields = np.stack([random_fields(160, 160)] * patches)

    def call(inference: EncoderInference) -> Call:
        @torch.inference_mode()
        def encode() -> object:
            return inference.encode_patches(fields).cpu()

        return encode

    return calls_of(EncoderInference, network, device, call)


def accuracy(device: torch.device) -> None:
    """Print rms difference from torch's float32, and the energy of waves that the coarse grid lacks, relative to it."""
    import atmodist_core as ad
    from atmodist_core.evaluation.diagnostics.energy_ratio import high_wavenumber_energy_ratio

    name = "srgan-4x-atmodist"
    coarse = ad.coarsen(ad.open_demo().isel(time=[0]), factor=4)
    print(f"{name} on the globe of the demo's first time, against torch float32")
    exact = ad.load_downscaler(name, device=device)(coarse)
    for engine, precision in variants(device):
        downscaler = ad.load_downscaler(name, device=device, engine=engine, precision=precision)
        fine = downscaler(coarse)
        energy = high_wavenumber_energy_ratio(fine, exact, downscaler.factor)
        for field in ("vorticity", "divergence"):
            rms = float(np.sqrt(((fine[field] - exact[field]) ** 2).mean() / (exact[field] ** 2).mean()))
            print(
                f"  {engine} {precision:9s} {field:11s} rms difference {100 * rms:.4f} % of the rms, "
                f"power beyond the coarse Nyquist {float(energy[field][0]):.4f} times that of float32"
            )


def timed(calls: dict[str, Call], repeats: int) -> dict[str, list[float]]:
    """Seconds of every call; the calls take turns."""
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def main(settings: Settings) -> None:
    """Time everything and print a line for each engine and precision."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    device = resolve_device(settings.device)
    print(f"{Hardware(device.type, ' and '.join(PRECISIONS)).describe()}; {settings.repeats} calls of each")
    if settings.accuracy:
        accuracy(device)
        return

    def part(title: str, calls: dict[str, Call], repeats: int, patches: int = 0) -> None:
        print(title)
        seconds = timed(calls, max(repeats, 2))
        reference = statistics.median(seconds["torch float32"])
        for name, values in seconds.items():
            low, median, high = statistics.quantiles(values, n=4)
            rate = f"{patches / median:8.0f} patches/s" if patches else ""
            print(
                f"  {name:20s} {1e3 * median:9.1f} ms ({1e3 * low:.1f}-{1e3 * high:.1f})   "
                f"{reference / median:5.2f} x {rate}",
                flush=True,
            )

    for rows, columns in ((40, 40), (80, 160)):
        title = f"generator {rows} x {columns} -> {4 * rows} x {4 * columns}"
        part(title, generator_calls(rows, columns, device), settings.repeats)
    if settings.globe:
        title = "generator, globe 320 x 640 -> 1280 x 2560"
        part(title, globe_calls(320, 640, device), min(settings.repeats, 3))
    title = f"encoder, {settings.patches} patches of 160 x 160"
    part(title, encoder_calls(settings.patches, device), settings.repeats, settings.patches)


if __name__ == "__main__":
    main(tyro.cli(Settings))
