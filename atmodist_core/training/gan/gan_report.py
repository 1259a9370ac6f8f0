"""The end of a generator's training: scores on held-out patches, and the model folder."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from atmodist_core.models.card import ModelCard
from atmodist_core.models.store import save_downscaler
from atmodist_core.training.configuration import to_dict
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.gan.downscaling_trainer import RIVAL_COLUMNS, DownscalingTrainer
from atmodist_core.training.gan.gan_trainer import GanTrainer
from atmodist_core.training.loop.training_run import save_trained_model, settings_without

RIVAL_WEIGHTS = tuple(f"{name}_weight" for name in RIVAL_COLUMNS)
_WEIGHTS = (
    *(
        "content_weight",
        "mse_weight",
        "l1_weight",
        "spectrum_weight",
        "distribution_weight",
        "pattern_weight",
    ),
    *(*RIVAL_WEIGHTS, "adversarial_weight"),
)
_ADVERSARY = (
    *("adversarial_form", "r1_weight", "r1_interval", "discriminator_filters", "discriminator_dense"),
    *("spectral_norm", "instance_noise"),
)


def save_generator_model(trainer: GanTrainer) -> Path:
    """Evaluate the generator, and write the model folder with card and curves."""
    config = trainer.config
    settings = to_dict(config)
    loss: dict[str, Any] = dict.fromkeys(_WEIGHTS, 0.0) | {"content": "mse", "content_weight": 1.0}
    if config.epochs + config.final_epochs:
        loss = trainer.about_content | {name: settings[name] for name in _WEIGHTS}
    pretraining = {"pretraining_epochs": trainer.pretraining_epochs}
    return save_downscaling_model(trainer, loss, _WEIGHTS, pretraining)


def save_downscaling_model(
    trainer: DownscalingTrainer,
    loss: dict[str, Any],
    weights: Sequence[str],
    schedule: dict[str, Any],
    save: Callable[[Path, ModelCard], Any] | None = None,
) -> Path:
    """Evaluate a generator and write its model folder.

    ``loss`` is what the card says of it, without the adversary; ``weights`` are the settings that it tells, and ``schedule``
    replaces settings. ``save`` writes a network that is more than a generator.
    """

    def save_generator(folder: Path, card: ModelCard) -> Any:
        return save_downscaler(folder, trainer.evaluated_generator, card, config.run.export_type)

    config = trainer.config
    scores = prefixed("held_out_", trainer.held_out_scores())
    scores |= prefixed("held_out_bicubic_", trainer.bicubic_scores())
    if trainer.adversarial:
        settings = to_dict(config)
        loss = loss | {name: settings[name] for name in _ADVERSARY}
    of_loss = ("content", "distance", "autoencoder", "distance_layer", "random_encoder_seed")
    architecture = (*dataclasses.asdict(trainer.generator.config), "residual_blocks", "compile")
    start = trainer.start.card if trainer.start else None
    spacing = trainer.data.training_fields.spacing_deg
    return save_trained_model(
        trainer,
        scores,
        save or save_generator,
        kind="flow" if save else "downscaler",
        factor=config.factor,
        loss=loss,
        schedule={
            **settings_without(config, "start_from", *of_loss, *weights, *_ADVERSARY, *architecture),
            **schedule,
            "start_model": start.name if start else None,
            "start_model_created": start.created if start else None,
        },
        limits=(
            f"Trained on patches centred within {config.data.latitude_limit:g} degrees of the equator, from"
            f" {config.factor * spacing:g} to {spacing:g} degrees; other spacings, levels and sources are"
            " extrapolation."
        ),
    )
