"""How far fields are from those a model was trained on, in one sentence."""

from __future__ import annotations

import numpy as np

from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.models.card import ModelCard

SPACING_TOLERANCE = 0.10
"""Largest relative difference of the grid spacing that is not reported."""

SPREAD_RANGE = (0.2, 2.0)
"""Ratios to the training fields' standard deviation that are not reported. The range reaches further down than
up because block means, the input of a downscaler, vary less than the fine fields that the moments were
taken from."""

_UNKNOWN_LEVELS = {"", "unknown", "none", "not stated"}


def applicability_sentence(card: ModelCard, arrays: FieldArrays) -> str | None:
    """Say in one sentence how fields differ from a model's training fields, or return None if they do not.

    Compared are the grid spacing, the level, and the standard deviation of every channel at up to three
    times; interpolation applies to anything.
    """
    differences = applicability_differences(card, arrays)
    if not differences:
        return None
    return (
        f"These fields differ from those that {card.name} was trained on ({'; '.join(differences)}), so "
        "read its result with care."
    )


def applicability_differences(card: ModelCard, arrays: FieldArrays) -> list[str]:
    """Return how fields differ from a model's training fields, a phrase each: ``grid spacing 0.25 degrees instead of 0.5``."""
    if card.kind == "interpolation":
        return []
    return [*_spacing(card, arrays), *_level(card, arrays), *_spread(card, arrays)]


def _spacing(card: ModelCard, arrays: FieldArrays) -> list[str]:
    if card.grid_spacing_deg is None:
        return []
    known = card.spacings_deg or (card.grid_spacing_deg,)
    found = {
        "latitude": float(np.median(-np.diff(arrays.latitude))),
        "longitude": float(np.median(np.diff(arrays.longitude))),
    }
    # Among several spacings those in between count as known.
    lowest = min(known) * card.factor * (1.0 - SPACING_TOLERANCE)
    highest = max(known) * card.factor * (1.0 + SPACING_TOLERANCE)
    off = {axis: value for axis, value in found.items() if not lowest <= value <= highest}
    if not off:
        return []
    wanted = card.factor * min(known, key=lambda spacing: abs(spacing * card.factor - found["latitude"]))
    if len(off) == 2 and abs(found["latitude"] / found["longitude"] - 1.0) < 0.01:
        return [f"grid spacing {found['latitude']:.4g} degrees instead of {wanted:.4g}"]
    return [
        "grid spacing "
        + " and ".join(f"{value:.4g} degrees in {axis}" for axis, value in off.items())
        + f" instead of {wanted:.4g}"
    ]


def _level(card: ModelCard, arrays: FieldArrays) -> list[str]:
    found = str(arrays.dataset.attrs.get("level", "")).strip()
    if (
        card.level.lower() in _UNKNOWN_LEVELS
        or found.lower() in _UNKNOWN_LEVELS
        or found in card.level.split("; ")
    ):
        return []
    return [f"level {found} instead of {card.level}"]


def _spread(card: ModelCard, arrays: FieldArrays) -> list[str]:
    if card.normalization is None or card.amplitude:
        return []
    times = sorted({0, arrays.time_count // 2, arrays.time_count - 1})
    parts = [fields[:, valid] for fields, valid in map(arrays.read_filled, times)]
    fields = np.concatenate(parts, axis=1).astype(np.float64)
    differences = []
    for name, found, trained in zip(arrays.channels, fields.std(axis=1), card.normalization.std, strict=True):
        if not SPREAD_RANGE[0] <= found / trained <= SPREAD_RANGE[1]:
            units = str(arrays.dataset[name].attrs.get("units", "")).strip()
            differences.append(
                f"{name} with a standard deviation of {found:.2g}{' ' if units else ''}{units} instead of "
                f"{trained:.2g}"
            )
    return differences


def draws_members(card: ModelCard) -> bool:
    """Return whether a downscaling model takes noise, so that it draws members."""
    generator = card.architecture.get("generator", {})
    return card.kind == "flow" or bool(
        generator.get("noise_channels") or generator.get("fine_noise_channels")
    )
