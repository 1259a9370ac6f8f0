"""Which models an adaptation starts from, and with what settings each is trained further."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atmodist_core.common.errors import UserError
from atmodist_core.models.card import ModelCard, installed_models, read_card_of
from atmodist_core.models.fit import ROLES, DataTraits, fit_of, rank_models, role_of
from atmodist_core.networks import GeneratorConfig
from atmodist_core.training.configuration import (
    DataConfig,
    DownscalingConfig,
    EnsembleConfig,
    GanConfig,
    RunConfig,
)
from atmodist_core.training.settings.adaptation_configuration import AdaptationConfig

SUFFIXES = {"atmodist": "atmodist", "ensemble": "atmodist-ensemble", "mse": "mse"}
"""Ends of the names of the adapted models."""

_SECONDS_OF_A_MODEL = 150.0
"""Less training than this each, and fewer models are adapted."""
_FILTER_ABOVE, _FILTER_MARGIN = 0.9, 0.05
"""Data truncated below the first share of the Nyquist wavenumber get an output filter that much above."""


@dataclass(frozen=True)
class Start:
    """A model to start from."""

    role: str
    place: str  # name or folder
    card: ModelCard


def choose_starts(config: AdaptationConfig, traits: DataTraits, training_seconds: float) -> list[Start]:
    """Return the best-fitting model of each kind, as many as the time allows; the named ones where there are some."""
    if config.models:
        return [_named(name, config, traits) for name in config.models]
    folders = installed_models([])
    usable = [
        card
        for _, card in folders.values()
        if card.kind == "downscaler" and set(card.channels) == {"vorticity", "divergence"}
    ]
    ranked = rank_models(usable, traits, config.factor)
    if not ranked:
        raise UserError(
            f"Expected an installed model of vorticity and divergence with a factor of {config.factor} to start from, found"
            " none; choose another --factor or name one with --models."
        )
    starts = []
    for role in ROLES:
        alike = [card for card in ranked if role_of(card) == role]
        if role == "mse":  # with an adversary before without one
            alike.sort(key=lambda card: not card.loss.get("adversarial_weight"))
            alike = sorted(alike, key=lambda card: _without_power(card, traits))
        if alike:
            starts.append(Start(role, str(folders[alike[0].name][0]), alike[0]))
    most = max(1, int(training_seconds / _SECONDS_OF_A_MODEL))
    return starts[:most]


def _without_power(card: ModelCard, traits: DataTraits) -> float:
    """Penalty of a fit without that of its power, rounded: the kind of loss decides among equals."""
    return round(fit_of(dataclasses.replace(card, scores={}), traits)[0], 1)


def _named(name: str, config: AdaptationConfig, traits: DataTraits) -> Start:
    from atmodist_core.models.card import find_model

    folder = find_model(name)
    card = read_card_of("downscaler", folder)
    if card.factor != config.factor or not set(card.channels) <= set(traits.fields):
        raise UserError(
            f"Expected models of factor {config.factor} for {', '.join(traits.fields)} after --models, found {card.name!r} of"
            f" factor {card.factor} for {', '.join(card.channels)}; choose others."
        )
    return Start(role_of(card), str(folder), card)


def best_distance(traits: DataTraits) -> Path:
    """Return the folder of the distance network that fits best."""
    folders = installed_models([])
    ranked = rank_models((card for _, card in folders.values() if card.kind == "distance"), traits)
    if not ranked:
        raise UserError(
            "Expected a distance network of the data's fields for AtmoDist models, found none; install one or name models"
            " of another loss with --models."
        )
    return folders[ranked[0].name][0]


def patch_size(rows: int, columns: int) -> int:
    """Return the side of patches: small ones, of which a batch holds many, within the area."""
    return int(min(64, 16 * (min(rows, columns) // 16)))


def training_settings(
    start: Start, config: AdaptationConfig, traits: DataTraits, folder: Path, size: int
) -> DownscalingConfig:
    """Return the settings of the further training of a model: its own generator, a short schedule.

    Learning rates are low and weights are averaged, since there are minutes; the log-power term brings power fast. The
    output filter follows the effective truncation of the data.
    """
    generator = GeneratorConfig.from_dict(start.card.architecture["generator"])
    kind = EnsembleConfig if start.role == "ensemble" else GanConfig
    known = {entry.name for entry in dataclasses.fields(kind)}
    values = {entry.name: getattr(generator, entry.name) for entry in dataclasses.fields(generator)}
    values["residual_blocks"] = values.pop("blocks")
    values["condition"] = "sharpness" if values.pop("condition_channels") else "none"
    values["output_filter"] = "none"
    if traits.truncation is not None and traits.truncation < _FILTER_ABOVE:
        values |= {"output_filter": "low-pass", "filter_cutoff": traits.truncation + _FILTER_MARGIN}
    layers = start.card.loss.get("distance_layer", "stage2")
    common = DownscalingConfig(
        preset="adaptation",
        data=DataConfig(patch_size=size, latitude_limit=90.0, mirror=True, channels=start.card.channels),
        run=RunConfig(
            out=folder, seed=config.seed, device=config.device, threads=config.threads, progress=False
        ),
        distance=str(best_distance(traits)) if start.role != "mse" else "",
        other_spacing=True,
        distance_layer=(layers,) if isinstance(layers, str) else tuple(layers),
        start_from=start.place,
        amplitude="coarse-field",  # the encoder sees fields of the spread that it knows
        discriminator_filters=(16, 16, 32, 32, 64, 64, 128, 128),
        discriminator_dense=256,
        adversarial_form="hinge",
        r1_weight=100.0,
        batch_size=12,
        batches_per_epoch=10**6,
        learning_rate=1.5e-4,
        final_learning_rate=1e-6,
        clip_norm=5.0,
        ema_decay=0.98,
        validation_patches=48,
    )
    same = {entry.name: getattr(common, entry.name) for entry in dataclasses.fields(common)}
    own: dict[str, object] = same | {name: value for name, value in values.items() if name in known}
    if start.role == "ensemble":
        own |= {
            "batch_size": 6,
            "spectrum_weight": 0.1,
            "adversarial_weight": 0.0,
            "epochs": 1,
            "ema_decay": 0.985,
        }
        own |= {"crps_weight": 1.0, "feature_weight": 1.0, "learning_rate": 2e-4, "pattern_weight": 1.0}
        return EnsembleConfig(**own)  # type: ignore[arg-type]
    own |= {
        "adversarial_weight": 0.03,
        "balance": "none",
        "schedule": "cosine",
        "epochs": 1,
        "final_epochs": 0,
    }
    # The log-power term alone brings a pattern of the coarse grid with the power.
    sharp = start.role == "atmodist"
    own |= {
        "content": start.role,
        "spectrum_weight": 0.3 if sharp else 0.0,
        "pattern_weight": 2.0 if sharp else 0.0,
    }
    return GanConfig(**own)  # type: ignore[arg-type]


def shares(starts: Sequence[Start]) -> list[float]:
    """Return the share of the training time for each start: members cost two generators a step."""
    weights = [1.3 if start.role == "ensemble" else 1.0 for start in starts]
    return [weight / sum(weights) for weight in weights]
