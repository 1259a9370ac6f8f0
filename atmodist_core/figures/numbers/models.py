"""What there is to know of a trained model: learning curves, size, and speed on this machine."""

from __future__ import annotations

import csv
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.models.card import TENSOR_FILE, ModelCard

CURVES_FILE = "curves.csv"
SPEED_POINTS = 160
"""Fine points along each side of the field on which the speed is measured."""

SPEED_RUNS = 3


def learning_curves(folder: Path) -> xr.Dataset | None:
    """Return the training curves in a model's folder: one variable per column, over ``step``.

    Missing values are NaN. None if there is no readable file of curves.
    """
    try:
        with (folder / CURVES_FILE).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {name: [_number(row[name]) for row in rows] for name in rows[0] if name}
    except (OSError, UnicodeDecodeError, IndexError, csv.Error):
        return None
    if "step" not in columns:
        return None
    steps = columns.pop("step")
    return xr.Dataset({name: ("step", values) for name, values in columns.items()}, {"step": steps})


def _number(text: str | None) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")


def held_out_name(curves: xr.Dataset) -> str | None:
    """Name of the held-out measure that belongs to the loss: the first that there is."""
    for name in ("held_out_loss", "held_out_mse"):
        if name in curves and np.isfinite(curves[name].values).any():
            return name
    return None


def pretraining_steps(card: ModelCard) -> int:
    """Steps at the beginning that went into pre-training: on a subset of the data (distance), or with the content loss alone (generator)."""
    schedule = card.schedule
    if card.kind == "distance":
        return int(schedule.get("subset_epochs", 0)) * int(schedule.get("subset_batches", 0))
    return int(schedule.get("pretraining_epochs", 0)) * int(schedule.get("batches_per_epoch", 0))


def epochs(card: ModelCard) -> int:
    """Epochs of all parts of the training."""
    names = ("pretraining_epochs", "subset_epochs", "epochs", "final_epochs")
    return sum(int(card.schedule.get(name, 0) or 0) for name in names)


def megabytes(folder: Path) -> float:
    """Size of the weights on disk [10^6 bytes]; NaN if they are gone."""
    try:
        return (folder / TENSOR_FILE).stat().st_size / 1e6
    except OSError:
        return float("nan")


def measure_speed(card: ModelCard, load: Callable[[], Any], fields: xr.Dataset) -> float:
    """Return the median time [s] of one application to 160 x 160 fine points, after one to warm up.

    ``fields`` of one time have at least 160 x 160 points for a distance, and that divided by the factor for a downscaler.
    Raises ``UserError`` if they are smaller or the model cannot be loaded.
    """
    points = SPEED_POINTS // card.factor if card.downscales else SPEED_POINTS
    if min(fields.sizes["latitude"], fields.sizes["longitude"]) < points:
        raise UserError(
            f"Expected a field of at least {points} x {points} points to measure the speed on, found "
            f"{fields.sizes['latitude']} x {fields.sizes['longitude']}; give a larger one."
        )
    top = (fields.sizes["latitude"] - points) // 2
    patch = fields.isel(latitude=slice(top, top + points), longitude=slice(0, points))
    model = load()
    apply = model.embed if card.kind == "distance" else model
    times = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        for _ in range(SPEED_RUNS + 1):
            start = time.perf_counter()
            apply(patch)
            times.append(time.perf_counter() - start)
    return float(statistics.median(times[1:]))
