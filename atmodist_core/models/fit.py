"""Which models fit a dataset: a penalty for each way in which it differs from their training data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.effective_truncation import effective_truncation
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.sharpness import sharpness, sharpness_of_source
from atmodist_core.models.card import ModelCard, list_models

_UNKNOWN = {"", "unknown", "none", "not stated"}
_WEIGHTS = {
    "truncation": 2.0,
    "spacing": 1.0,
    "level": 0.4,
    "amplitude": 0.5,
    "area": 0.5,
    "step": 0.3,
    "sharpness": 1.0,
}
"""Penalty of a factor of two, or of a difference that has no size."""
_POWER_WEIGHT = 0.25
"""Of a factor of two in the held-out power of a downscaler: decides among models of the same training data."""
_SAME = 0.2
"""Penalty below which a difference is not mentioned."""

_OTHER_DATA = 0.5
"""Octaves of spacing or truncation from which results of data are not those of others; of the amplitude twice as many."""

_OTHER_SHARPNESS = 0.35
"""Natural logarithm of the strength of small scales from which results of data are not those of others."""

ROLES = ("atmodist", "ensemble", "mse")
"""Kinds of downscalers, the most useful first."""


def role_of(card: ModelCard) -> str:
    """Return what kind of downscaler a model is: ``ensemble``, ``atmodist`` or ``mse``, by its noise and its loss."""
    generator = card.architecture.get("generator", {})
    if generator.get("noise_channels") or generator.get("fine_noise_channels"):
        return "ensemble"
    return "atmodist" if card.loss.get("content") == "atmodist" else "mse"


@dataclass(frozen=True)
class DataTraits:
    """What decides whether a model fits a dataset.

    Attributes
    ----------
    fields : tuple of str
        Variables over latitude and longitude.
    spacing_deg : float
        Of the latitudes of the fine grid [degrees].
    truncation : float or None
        Effective truncation, as a share of the fine grid's Nyquist wavenumber; None where it is not known.
    level : str
        Text of the attribute.
    spread : dict
        Standard deviation of each field, in its units; empty where no field was read.
    area : tuple of float
        South, north, west, east [degrees]; empty for the globe.
    step_hours : float or None
        Median time step.
    sharpness : dict
        Of the fine fields (:func:`atmodist_core.sharpness`); empty where no field was read.
    """

    fields: tuple[str, ...]
    spacing_deg: float
    truncation: float | None
    level: str
    spread: dict[str, float]
    area: tuple[float, ...]
    step_hours: float | None
    sharpness: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def stated(cls, dataset: xr.Dataset) -> DataTraits:
        """Return the traits of canonical fields that are known without reading one: neither truncation nor spread."""
        arrays = FieldArrays.of(dataset, (), "the description of the data")
        times = dataset["time"].values if "time" in dataset.coords else np.empty(0)
        step = None
        if np.issubdtype(times.dtype, np.datetime64) and times.size > 1:
            step = float(np.median(np.diff(times) / np.timedelta64(1, "s"))) / 3600
        latitude, longitude = arrays.latitude, arrays.longitude
        limited = not Boundaries.of(latitude, longitude).is_globe
        box = (latitude.min(), latitude.max(), longitude[0], longitude[-1])
        return cls(
            fields=arrays.channels,
            spacing_deg=float(np.abs(np.diff(latitude)).mean()),
            truncation=None,
            level=str(dataset.attrs.get("level", "")).strip(),
            spread={},
            area=tuple(map(float, box)) if limited else (),
            step_hours=step,
        )

    @classmethod
    def of(cls, dataset: xr.Dataset, factor: int = 4) -> DataTraits:
        """Measure the traits of canonical fields, of which three times are read.

        ``factor`` is that of the models; it matters for block means, whose traits are those of the fine grid.
        """
        arrays = FieldArrays.of(dataset, (), "the choice of models")
        chosen = evenly_spaced(arrays.time_count, 3)
        part = arrays.dataset.isel(time=chosen).load()
        truncation = effective_truncation(part.assign_attrs(dataset.attrs))
        stated = cls.stated(dataset)
        spacing = stated.spacing_deg
        if truncation is not None and truncation > 1:  # block means
            spacing, truncation = spacing / factor, min(truncation / factor, 1.0)
        known = sharpness_of_source(dataset, [name for name in DEFAULT_FIELDS if name in dataset], factor)
        if known is None:
            known = sharpness(part, factor) if {*DEFAULT_FIELDS} & {*arrays.channels} else {}
        spread = {name: float(part[name].astype(np.float64).std()) for name in arrays.channels}
        return dataclasses.replace(
            stated, spacing_deg=spacing, truncation=truncation, spread=spread, sharpness=known
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the traits as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DataTraits:
        """Return the traits that :meth:`to_dict` gave."""
        lists = {name: tuple(values[name]) for name in ("fields", "area")}
        return cls(**{**values, **lists})


def models_for(
    dataset: xr.Dataset, factor: int = 4, *, folders: Iterable[str | Path] | None = None
) -> list[ModelCard]:
    """Return the cards of the models that can be used on a dataset, best fit first.

    Downscalers of the factor come before distance networks; both need their fields in the dataset. Compared are the
    effective truncation, the sharpness (unless the model is told), the grid spacing, the level, the amplitude (unless the model takes that from the coarse field),
    the area and, for distances, the time step; between downscalers of the same training data the one comes first that
    restored more of the held-out power.

    Parameters
    ----------
    dataset : xarray.Dataset
        Canonical fields on the fine grid, or their block means; three times are read.
    factor : int
        Fine cells per coarse cell along each axis.
    folders : iterable of path, optional
        As for :func:`atmodist_core.list_models`.

    Returns
    -------
    list of ModelCard
        Each with the reason in ``fit``, a sentence.

    Raises
    ------
    UserError
        The dataset has no fields over latitude and longitude.
    """
    return rank_models(list_models(folders), DataTraits.of(dataset, factor), factor)


def rank_models(cards: Iterable[ModelCard], traits: DataTraits, factor: int = 4) -> list[ModelCard]:
    """Return the usable ones among some cards, best fit first; see :func:`models_for`."""
    ranked = []
    for card in cards:
        usable = card.kind == "distance" or (card.downscales and card.factor == factor)
        if usable and card.channels and set(card.channels) <= set(traits.fields):
            penalty, sentence = fit_of(card, traits)
            ranked.append((not card.downscales, penalty, card.name, sentence, card))
    return [
        dataclasses.replace(card, fit=sentence) for *_, sentence, card in sorted(ranked, key=lambda r: r[:3])
    ]


def fit_of(card: ModelCard, traits: DataTraits) -> tuple[float, str]:
    """Return how badly a model fits, 0 at best, and the reason in a sentence."""
    found = list(_differences(card, traits))
    penalty = sum(size for size, _ in found)
    told = [text for size, text in found if size > _SAME]
    if told:
        return penalty + _lost_power(card), f"Trained on {'; '.join(told)}."
    same = f"{traits.spacing_deg:.3g} degrees"
    if traits.level.lower() not in _UNKNOWN:
        same += f", {traits.level}"
    if traits.truncation is not None and card.effective_truncation is not None:
        same += f", scales down to {traits.truncation:.2g} of the Nyquist wavenumber"
    return penalty + _lost_power(card), f"Trained on fields like these ({same})."


def _differences(card: ModelCard, traits: DataTraits) -> Iterator[tuple[float, str]]:
    """Penalty and phrase of each difference."""
    if card.effective_truncation is not None and traits.truncation is not None:
        size = _WEIGHTS["truncation"] * _octaves(traits.truncation, card.effective_truncation)
        yield (
            size,
            f"scales down to {card.effective_truncation:.2g} of the grid's Nyquist wavenumber instead of"
            f" {traits.truncation:.2g}",
        )
    if not card.architecture.get("generator", {}).get("condition_channels", 0):
        size = _WEIGHTS["sharpness"] * _contrast(card.sharpness, traits.sharpness) / np.log(2.0)
        yield size, _sharper(card.sharpness, traits.sharpness)
    if card.grid_spacing_deg is not None:
        spacings = card.spacings_deg or (card.grid_spacing_deg,)
        # Among several spacings those in between count as known.
        nearest = min(max(traits.spacing_deg, min(spacings)), max(spacings))
        size = _WEIGHTS["spacing"] * _octaves(traits.spacing_deg, nearest)
        yield size, f"{nearest:.3g} degrees instead of {traits.spacing_deg:.3g}"
    known = card.level.lower() not in _UNKNOWN and traits.level.lower() not in _UNKNOWN
    if known and traits.level not in card.level.split("; "):
        yield _WEIGHTS["level"], f"level {card.level} instead of {traits.level}"
    if card.normalization is not None and not card.amplitude:
        sizes = [
            _octaves(traits.spread[name], std)
            for name, std in zip(card.channels, card.normalization.std, strict=True)
            if traits.spread.get(name, 0.0) > 0
        ]
        if sizes:
            name = card.channels[int(np.argmax(sizes))]
            std = card.normalization.std[card.channels.index(name)]
            size = _WEIGHTS["amplitude"] * float(np.mean(sizes))
            yield size, f"{name} of standard deviation {std:.2g} instead of {traits.spread[name]:.2g}"
    if card.area and not _inside(traits.area, card.area):
        south, north, west, east = card.area
        yield _WEIGHTS["area"], f"the area {south:.0f} to {north:.0f} N, {west:.0f} to {east:.0f} E alone"
    step = card.loss.get("lag_step_hours")
    if card.kind == "distance" and isinstance(step, int | float) and traits.step_hours:
        yield (
            _WEIGHTS["step"] * _octaves(traits.step_hours, step),
            f"steps of {step:g} h instead of {traits.step_hours:g}",
        )


def data_differences(known: DataTraits, shown: DataTraits) -> list[tuple[float, str]]:
    """Return in what data differ from others whose results are known, so much that these do not hold for them.

    Each difference has a size and a phrase. What is not known of either is no difference.
    """
    found: list[tuple[float, str]] = []
    size = _octaves(shown.spacing_deg, known.spacing_deg)
    if size > _OTHER_DATA:
        found.append((size, f"a grid of {known.spacing_deg:.3g} degrees instead of {shown.spacing_deg:.3g}"))
    if known.truncation is not None and shown.truncation is not None:
        size = _octaves(shown.truncation, known.truncation)
        if size > _OTHER_DATA:
            text = f"scales down to {known.truncation:.2g} of the Nyquist wavenumber instead of {shown.truncation:.2g}"
            found.append((size, text))
    size = _contrast(known.sharpness, shown.sharpness)
    if size > _OTHER_SHARPNESS:
        found.append((size, _sharper(known.sharpness, shown.sharpness)))
    levels = (known.level, shown.level)
    if known.level != shown.level and not {level.lower() for level in levels} & _UNKNOWN:
        found.append((_WEIGHTS["level"], f"level {known.level} instead of {shown.level}"))
    for name in sorted(set(known.spread) & set(shown.spread)):
        if min(known.spread[name], shown.spread[name]) > 0:
            size = _octaves(shown.spread[name], known.spread[name])
            if size > 2 * _OTHER_DATA:
                text = f"{name} of standard deviation {known.spread[name]:.2g} instead of {shown.spread[name]:.2g}"
                found.append((_WEIGHTS["amplitude"] * size, text))
    if known.area and not _inside(shown.area, known.area):
        south, north, west, east = known.area
        text = f"the area {south:.0f} to {north:.0f} N, {west:.0f} to {east:.0f} E alone"
        found.append((_WEIGHTS["area"], text))
    return found


def _contrast(known: dict[str, tuple[float, ...]], shown: dict[str, tuple[float, ...]]) -> float:
    """Mean over fields and bands of how far apart the logarithms of the strength of small scales are; 0 where not known."""
    pairs = [(known[name], shown[name]) for name in sorted(set(known) & set(shown))]
    return float(np.mean([np.abs(np.subtract(*pair)) for pair in pairs])) if pairs else 0.0


def _sharper(known: dict[str, tuple[float, ...]], shown: dict[str, tuple[float, ...]]) -> str:
    """Say how much stronger or weaker the small scales of known data are."""
    both = sorted(set(known) & set(shown))
    ratio = float(np.exp(np.mean([np.subtract(known[name], shown[name]) for name in both]))) if both else 1.0
    return f"small scales {ratio:.2g} times as strong"


def _octaves(found: float, trained: float) -> float:
    return abs(float(np.log2(found / trained)))


def _inside(area: tuple[float, ...], trained: tuple[float, ...]) -> bool:
    """Whether at least half of an area lies in the one that was trained on."""
    if not area:
        return False
    south, north, west, east = area
    shift = (west - trained[2] + 180) % 360 - 180
    first, last = max(shift, 0.0), min(shift + east - west, trained[3] - trained[2])
    width = max(last - first, 0.0)
    height = max(min(north, trained[1]) - max(south, trained[0]), 0.0)
    return width * height >= 0.5 * (east - west) * (north - south)


def _lost_power(card: ModelCard) -> float:
    """Penalty of a downscaler's held-out power, as its card says."""
    ratios = [card.scores.get(f"held_out_power_ratio_{name}") for name in card.channels]
    known = [ratio for ratio in ratios if isinstance(ratio, int | float) and ratio > 0]
    return _POWER_WEIGHT * float(np.mean([_octaves(ratio, 1.0) for ratio in known])) if known else 0.0
