"""The end of a generator's training: scores on held-out patches, and the model folder."""

import dataclasses
import json
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from atmodist_core.models.card import ModelCard
from atmodist_core.models.store import save_downscaler
from atmodist_core.training.configuration import to_dict
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.records.logs import CURVES_NAME
from atmodist_core.training.records.provenance import card_basis, export_folder

_WEIGHTS = (
    *("content_weight", "mse_weight", "l1_weight", "spectrum_weight", "distribution_weight"),
    "adversarial_weight",
)
_ADVERSARY = (
    *("adversarial_form", "r1_weight", "r1_interval", "discriminator_filters", "discriminator_dense"),
    *("spectral_norm", "instance_noise"),
)

if TYPE_CHECKING:
    from atmodist_core.training.gan.gan_trainer import GanTrainer


def save_generator_model(trainer: "GanTrainer") -> Path:
    """Judge the generator and write the model folder with card and curves."""
    config, data = trainer.config, trainer.data
    scores, bicubic = trainer.held_out_scores(), trainer.bicubic_scores()
    scores = prefixed("held_out_", scores) | prefixed("held_out_bicubic_", bicubic)
    (config.run.out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    settings = to_dict(config)
    settings.pop("run")
    loss: dict[str, Any] = dict.fromkeys(_WEIGHTS, 0.0) | {"content": "mse", "content_weight": 1.0}
    if config.epochs + config.final_epochs:
        loss = trainer.about_content | {name: settings[name] for name in _WEIGHTS}
        if trainer.adversarial:
            loss |= {name: settings[name] for name in _ADVERSARY}
    of_loss = {"content", "distance", "autoencoder", "distance_layer", "random_encoder_seed"}
    of_loss |= {*_WEIGHTS, *_ADVERSARY}
    architecture = dataclasses.asdict(trainer.generator.config)
    apart = {"data", "start_from", *of_loss, *architecture, "residual_blocks", "compile"}
    schedule = {k: v for k, v in settings.items() if k not in apart}
    schedule |= {k: settings["data"][k] for k in ("patch_size", "latitude_limit", "mirror")}
    schedule |= {
        "steps": trainer.total_steps,
        "pretraining_epochs": trainer.pretraining_epochs,
        "start_model": trainer.start.card.name if trainer.start else None,
        "start_model_created": trainer.start.card.created if trainer.start else None,
        "hardware": trainer.hardware.describe(),
    }
    card = ModelCard(
        **card_basis(config.run, config.data, data),
        kind="downscaler",
        factor=config.factor,
        loss=loss,
        schedule=schedule,
        scores={name: round(value, 5) for name, value in scores.items()},
        limits=(
            f"Trained on patches centred within {config.data.latitude_limit:g} degrees of the equator, from"
            f" {config.factor * data.training_fields.spacing_deg:g} to {data.training_fields.spacing_deg:g}"
            " degrees; other spacings, levels and sources are extrapolation."
        ),
    )
    folder = export_folder(config.run)
    save_downscaler(folder, trainer.judged_generator, card, config.run.export_type)
    copyfile(config.run.out / CURVES_NAME, folder / CURVES_NAME)
    return folder
