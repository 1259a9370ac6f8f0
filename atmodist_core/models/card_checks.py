"""Checks of a model card: types and values that it may have."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NoReturn

from atmodist_core.common.errors import UserError
from atmodist_core.fields.sharpness import BANDS
from atmodist_core.networks.generator import LARGEST_FACTOR
from atmodist_core.networks.normalization import SignedLogNormalization


def check_card(card: Any, kinds: Collection[str]) -> None:
    """Refuse a :class:`~atmodist_core.models.card.ModelCard` with a wrong entry, which the UserError names."""
    _check_types(card)
    _check_values(card, kinds)


def _check_types(card: Any) -> None:
    number = (int, float)
    types: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(("name", "kind", "period", "data", "level", "code_version", "created"), (str,)),
        **dict.fromkeys(("licence", "limits", "notes", "weights_sha256", "fit"), (str,)),
        **dict.fromkeys(
            ("architecture", "loss", "schedule", "scores", "distance_scale", "amplitude", "sharpness"),
            (dict,),
        ),
        **dict.fromkeys(("factor", "seed", "parameters"), (int,)),
        "normalization": (SignedLogNormalization, type(None)),
        **dict.fromkeys(("grid_spacing_deg", "effective_truncation"), (*number, type(None))),
    }
    for key, allowed in types.items():
        value = getattr(card, key)
        if not isinstance(value, allowed) or isinstance(value, bool):
            _refuse(
                card, key, " or ".join(kind.__name__ for kind in allowed), f"{type(value).__name__} {value!r}"
            )
    numbers: dict[str, dict[Any, float]] = {
        "distance_scale": card.distance_scale,
        "amplitude": card.amplitude,
        "spacings_deg": dict(enumerate(card.spacings_deg)),
    }
    for key, values in numbers.items():
        for entry, scale in values.items():
            if not isinstance(scale, number) or isinstance(scale, bool) or not 0 < scale < float("inf"):
                _refuse(card, key, "a positive number for every entry", f"{scale!r} for {entry!r}")
    for entry, pair in card.sharpness.items():
        numbers_of = isinstance(pair, list | tuple) and len(pair) == BANDS
        if not numbers_of or not all(isinstance(n, number) and abs(n) < 100 for n in pair):
            _refuse(card, "sharpness", "two numbers for each channel", f"{pair!r} for {entry!r}")
    if card.amplitude and tuple(card.amplitude) != card.channels:
        _refuse(
            card, "amplitude", "one number for each channel in their order, or none", repr(card.amplitude)
        )


def _check_values(card: Any, kinds: Collection[str]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", card.name):
        _refuse(
            card,
            "name",
            "letters, digits, dots, dashes and underscores, first a letter or digit",
            repr(card.name),
        )
    if card.kind not in kinds:
        _refuse(card, "kind", f"one of {', '.join(kinds)}", repr(card.kind))
    if not 1 <= card.factor <= LARGEST_FACTOR:
        _refuse(card, "factor", f"from 1 to {LARGEST_FACTOR}", str(card.factor))
    if len(card.area) not in (0, 4):
        _refuse(card, "area", "south, north, west, east in degrees, or nothing", repr(card.area))
    conditions = card.architecture.get("generator", {}).get("condition_channels", 0)
    if conditions and (tuple(card.sharpness) != card.channels or conditions != BANDS * len(card.channels)):
        _refuse(card, "sharpness", "two numbers for each channel in their order", repr(card.sharpness))
    if card.effective_truncation is not None and not 0 < card.effective_truncation <= 1:
        _refuse(card, "effective_truncation", "above 0 and at most 1", f"{card.effective_truncation:g}")
    if card.kind == "interpolation":
        return
    if card.grid_spacing_deg is None or not 0 < card.grid_spacing_deg <= 180:
        _refuse(card, "grid_spacing_deg", "a spacing in degrees, above 0", repr(card.grid_spacing_deg))
    if card.normalization is None or card.normalization.channels != card.channels or not card.channels:
        found = "none" if card.normalization is None else repr(card.normalization.channels)
        _refuse(card, "normalization", f"one for the channels {card.channels!r}", found)


def _refuse(card: Any, key: str, wanted: str, found: str) -> NoReturn:
    raise UserError(
        f"Expected {key!r} of the model card {card.name!r} to be {wanted}, found {found}: correct the card."
    )
