"""Small made-up weather and settings for the tests of training."""

import dataclasses
from pathlib import Path

import numpy as np
import xarray as xr

from atmodist_core.training.configuration import (
    DataConfig,
    DistanceConfig,
    EnsembleConfig,
    GanConfig,
    GapConfig,
    RunConfig,
)


def counting_weather(times: int = 40, rows: int = 18, columns: int = 36, step_hours: int = 3) -> xr.Dataset:
    """Fields whose values tell where and when they are: (time * rows + row) * columns + column."""
    shape = (times, rows, columns)
    number = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return as_dataset(number, -0.5 * number, step_hours=step_hours)


def as_dataset(vorticity: np.ndarray, divergence: np.ndarray, step_hours: int = 3) -> xr.Dataset:
    """Arrays (time, latitude, longitude) as a canonical dataset on a cell-centred grid."""
    times, rows, columns = vorticity.shape
    start = np.datetime64("2001-01-01", "ns")
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {"vorticity": (dims, vorticity), "divergence": (dims, divergence)},
        coords={
            "time": start + np.arange(times) * np.timedelta64(step_hours, "h"),
            "latitude": 90.0 - 180.0 / rows * (np.arange(rows) + 0.5),
            "longitude": 360.0 / columns * np.arange(columns),
        },
        attrs={"source": "made up", "level": "none", "grid": "cell-centred"},
    )


DATA = DataConfig(patch_size=40, validation_fraction=0.35, gap_hours=6.0, mirror=True)


def _run(out: Path, log_interval: int) -> RunConfig:
    return RunConfig(
        out=out,
        device="cpu",
        precision="float32",
        threads=1,
        log_interval=log_interval,
        progress=False,
        sample_epochs=0,  # pictures take longer than these trainings
    )


def distance_config(out: Path, **changes: object) -> DistanceConfig:
    """A training of eight steps."""
    run = _run(out, log_interval=2)
    config = DistanceConfig(
        preset="smoke",
        data=DATA,
        run=run,
        classes=5,
        batch_size=4,
        epochs=2,
        batches_per_epoch=4,
        validation_pairs=4,
        final_pairs=8,
        matching_pairs=2,
    )
    return replaced(config, changes)


def gan_config(out: Path, **changes: object) -> GanConfig:
    """Two steps of pre-training and four with the adversary."""
    run = _run(out, log_interval=1)
    config = GanConfig(
        preset="smoke",
        data=dataclasses.replace(DATA, patch_size=16),
        run=run,
        residual_blocks=1,
        filters=8,
        batch_size=4,
        batches_per_epoch=2,
        pretraining_epochs=1,
        epochs=1,
        final_epochs=1,
        validation_patches=4,
    )
    return replaced(config, changes)


def ensemble_config(out: Path, **changes: object) -> EnsembleConfig:
    """Four steps with two members, scored at points and by an untrained encoder."""
    config = EnsembleConfig(
        preset="smoke",
        data=dataclasses.replace(DATA, patch_size=16),
        run=_run(out, log_interval=1),
        content="random-encoder",
        distance_layer=("stage1", "stage2"),
        matching_pairs=2,
        residual_blocks=1,
        filters=8,
        noise_channels=2,
        fine_noise_channels=1,
        batch_size=4,
        batches_per_epoch=2,
        epochs=2,
        validation_patches=4,
    )
    return replaced(config, changes)


def gap_config(out: Path, **changes: object) -> GapConfig:
    """Four steps with the mean squared error in the gaps."""
    config = GapConfig(
        preset="smoke",
        data=dataclasses.replace(DATA, patch_size=24),
        run=_run(out, log_interval=1),
        filters=4,
        dilations=(1, 2),
        content="random-encoder",
        distance_layer=("stage1", "stage2"),
        matching_pairs=2,
        batch_size=4,
        batches_per_epoch=2,
        epochs=2,
        validation_patches=6,
    )
    return replaced(config, changes)


def replaced(config, changes):
    """Change fields by name, wherever they are nested."""
    for name, value in changes.items():
        for part in ("data", "run"):
            inner = getattr(config, part)
            if hasattr(inner, name) and name != "data":
                config = dataclasses.replace(config, **{part: dataclasses.replace(inner, **{name: value})})
                break
        else:
            config = dataclasses.replace(config, **{name: value})
    return config
