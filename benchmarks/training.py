"""Measure training throughput: pairs per second of the distance network, patches per second of the generator.

python benchmarks/training.py [--device cpu|cuda] [--threads N] [--seconds S]

Rows are measured in one run on synthetic weather with the trainers themselves, in float32 and bfloat16, with and without
channels last. On a busy machine, CPU seconds (one thread) are more reliable than wall-clock seconds; both are printed.
"""

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from loading import per_second

from atmodist_core.common.hardware import choose_hardware
from atmodist_core.harmonics import keep_freed_memory
from atmodist_core.training.configuration import DataConfig, DistanceConfig, GanConfig, RunConfig
from atmodist_core.training.data.synthetic import synthetic_fields
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.distance.distance_training import DistanceTrainer, train_distance
from atmodist_core.training.gan.gan_training import GanTrainer
from atmodist_core.training.loop.trainer import Trainer


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()

    keep_freed_memory()  # as the commands in train/ do
    weather = synthetic_fields(100, latitude_count=180)
    data = DataConfig(validation_fraction=0.3, gap_hours=0.0, mirror=True)
    folder = tempfile.TemporaryDirectory()
    distance_folder = Path(folder.name) / "distance"
    tiny = DistanceConfig(
        data=dataclasses.replace(data, patch_size=64),
        run=RunConfig(out=Path(folder.name) / "run", export=distance_folder, progress=False),
        batch_size=8, epochs=1, batches_per_epoch=1, validation_pairs=8, final_pairs=8, matching_pairs=2,
    )  # fmt: skip
    train_distance(tiny, [weather])  # a distance network for the content loss; its quality does not matter

    print(f"{'what':44s} {'precision':9s} {'layout':14s} {'samples/s':>10s} {'per processor s':>16s}")
    for precision in ("float32", "bfloat16"):
        for channels_last in (False, True):
            run = RunConfig(
                channels_last=channels_last, progress=False, device=options.device, precision=precision
            )
            hardware = choose_hardware(options.device, precision, options.threads)
            rows: list[tuple[str, Trainer]] = []
            for size in (160, 64):
                config = DistanceConfig(
                    data=dataclasses.replace(data, patch_size=size), run=run, batch_size=options.batch_size
                )
                fields = load_training_data(config.data, sources=[weather]).normalized()
                rows.append(
                    (f"distance, pairs of {size} x {size}", DistanceTrainer(config, fields, hardware))
                )
            fields = load_training_data(data, sources=[weather])
            for name, changes in (
                ("generator pre-training, 24 -> 96", {"pretraining_epochs": 1}),
                ("GAN, MSE content, 24 -> 96", {"pretraining_epochs": 0}),
                ("GAN, AtmoDist content, 24 -> 96", {"pretraining_epochs": 0, "content": "atmodist"}),
            ):
                gan = GanConfig(
                    data=dataclasses.replace(data, patch_size=96),
                    run=run,
                    batch_size=options.batch_size,
                    distance=str(distance_folder),
                    # no extra steps, so that every step costs the same
                    balance_low=0.0,
                    balance_high=1e9,
                    **changes,  # type: ignore[arg-type]
                )
                rows.append((name, GanTrainer(gan, fields, hardware)))
            layout = "channels last" if channels_last else "channels first"
            for name, trainer in rows:
                clock, processor = per_second(trainer.step, trainer.samples_per_step, options.seconds)
                print(f"{name:44s} {precision:9s} {layout:14s} {clock:10.1f} {processor:16.1f}", flush=True)
    print(choose_hardware(options.device, "auto", options.threads).describe())
    folder.cleanup()


if __name__ == "__main__":
    main()
