"""Models to evaluate, and what identifies each in a store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.model_scores import DownscalerLike
from atmodist_core.evaluation.statistics.learned_distance import LearnedDistance
from atmodist_core.evaluation.statistics.spectral_band import stated_truncation
from atmodist_core.evaluation.store.statistics_store import TRUTH, identity_hash
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS, channel_names
from atmodist_core.harmonics.global_transform import truncated

Precision = Literal["float32", "bfloat16", "auto"]


@dataclass(frozen=True)
class EvaluatedModel:
    """A downscaler with its label, and plain values that identify its results: name, weights, precision.

    ``members`` are the number of members of an ensemble, 0 for a single field, and ``seed`` is that of their noise.
    """

    label: str
    downscaler: DownscalerLike
    identity: dict[str, Any]
    members: int = 0
    seed: int = 0

    @property
    def folder(self) -> str:
        """Name of its folder in a store."""
        return f"{self.identity['name']}-{identity_hash(self.identity)}"

    def __call__(self, coarse: xr.Dataset, members: int, region: str | None) -> xr.Dataset:
        """Return fine fields: so many members along an axis ``member``, or the first field alone for 0."""
        options: dict[str, Any] = {"seed": self.seed} if self.seed else {}
        if members:
            options["members"] = members
        downscale: Any = self.downscaler  # single fields have no such options
        result: xr.Dataset = downscale(coarse, region=region, **options)
        return result


def weights_hash(folder: Path) -> str:
    """Return sixteen hexadecimal digits of the hash of a model's weights."""
    from atmodist_core.models.card import TENSOR_FILE

    return hashlib.sha256((folder / TENSOR_FILE).read_bytes()).hexdigest()[:16]


def load_models(
    names: Sequence[str],
    *,
    precision: Precision = "float32",
    device: str | None = None,
    factor: int | None = None,
    members: int = 0,
    seed: int = 0,
) -> list[EvaluatedModel]:
    """Load models by name or folder, or ``label=folder`` for another name in the tables.

    ``members`` and ``seed`` are for models that draw members; other arguments are those of
    :func:`atmodist_core.load_downscaler`. Raises ``UserError`` if there is none, two have one label, or one cannot be loaded.
    """
    models = [_evaluated_model(name, precision, device, factor, members, seed) for name in names]
    labels = [model.label for model in models]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if not models or twice or TRUTH in labels:
        found = f"{twice[0]} twice" if twice else (", ".join(labels) or "none")
        raise UserError(
            f"Expected one or more models with different labels, none of them '{TRUTH}', found {found}; write "
            "label=folder to give a model another label."
        )
    return models


def _evaluated_model(
    name: str, precision: Precision, device: str | None, factor: int | None, members: int, seed: int
) -> EvaluatedModel:
    from atmodist_core.inference.downscaler import load_downscaler
    from atmodist_core.models.card import find_model

    label, _, place = name.rpartition("=")
    downscaler = load_downscaler(place, precision=precision, device=device, factor=factor)
    card = downscaler.card
    identity: dict[str, Any] = {
        "name": card.name,
        "factor": downscaler.factor,
        "created": card.created,
        "precision": downscaler.precision,
    }
    if card.kind != "interpolation":
        identity["weights"] = weights_hash(find_model(place))
    if not getattr(downscaler, "is_ensemble", False):
        return EvaluatedModel(label or card.name, downscaler, identity)
    if seed:
        identity["member_seed"] = seed
    return EvaluatedModel(label or card.name, downscaler, identity, members, seed)


def evaluated_fields(
    asked: Sequence[str], models: Sequence[EvaluatedModel], distance: LearnedDistance | None
) -> tuple[str, ...]:
    """Return the fields to evaluate: those asked for, else those of the models and of the distance network.

    Networks that need others than these are refused by a ``UserError``.
    """
    cards = {model.label: getattr(model.downscaler, "card", None) for model in models}
    needed = {label: () if card is None else tuple(card.channels) for label, card in cards.items()}
    if distance is not None:
        needed[distance.network.name] = tuple(distance.network.card.channels)
    everything = tuple(dict.fromkeys(channel for channels in needed.values() for channel in channels))
    fields = channel_names(asked) or everything
    if set(fields) <= set(DEFAULT_FIELDS):
        fields = DEFAULT_FIELDS
    for label, channels in needed.items():
        is_distance = distance is not None and label == distance.network.name
        missing = sorted(set(channels) - set(fields))
        extra = sorted(set(fields) - set(channels)) if channels and not is_distance else []
        if missing or (extra and fields != DEFAULT_FIELDS):
            raise UserError(
                f"Expected networks for the fields {', '.join(fields)}, found {label} for {', '.join(channels)}; evaluate networks"
                " of the same fields together, and others one by one."
            )
    return fields


class TruncatedDownscaler:
    """A downscaler whose results are truncated like the data, see :func:`truncated`; whole globe only."""

    def __init__(self, downscaler: DownscalerLike, truncation: int) -> None:
        self._downscaler, self._truncation = downscaler, truncation
        self.name, self.factor = downscaler.name, downscaler.factor

    def __call__(self, coarse: xr.Dataset, *, region: Any = None, **options: Any) -> xr.Dataset:
        """Downscale fields of the globe; a region cannot be truncated."""
        downscale: Any = self._downscaler
        return truncated(downscale(coarse, region=region, **options), self._truncation)


def truncated_model(model: EvaluatedModel, attributes: Mapping[str, Any]) -> EvaluatedModel:
    """Return the model with its results truncated like the data; ``UserError`` if they state no truncation."""
    truncation = stated_truncation(attributes)
    if truncation is None:
        raise UserError(
            "Expected data that state a truncation (coefficients, or fields with an attribute truncation) for "
            "--truncate, found none; leave it out."
        )
    downscaler = TruncatedDownscaler(model.downscaler, truncation)
    identity = {**model.identity, "truncation": truncation}
    return EvaluatedModel(model.label, downscaler, identity, model.members, model.seed)


def learned_distance(
    name: str, *, layers: Sequence[str] = (), precision: Precision = "float32", device: str | None = None
) -> LearnedDistance:
    """Load a distance network by name or folder; distances are taken at ``layers``, by default the last.

    Other arguments are those of :func:`atmodist_core.load_distance`. Raises ``UserError`` without such a model or layer.
    """
    from atmodist_core.inference.atmodist import load_distance
    from atmodist_core.models.card import find_model

    network = load_distance(name, precision=precision, device=device)
    chosen = tuple(layers) or (network.layers[-1],)
    for layer in chosen:
        if layer not in network.layers:
            raise UserError(
                f"Expected layers among {', '.join(network.layers)}, found {layer!r}; choose among these."
            )
    identity = {
        "name": network.name,
        "weights": weights_hash(find_model(name)),
        "scale": {layer: float(network.card.distance_scale.get(layer, 1.0)) for layer in chosen},
        "precision": network.precision,
    }
    return LearnedDistance(network, chosen, identity)
