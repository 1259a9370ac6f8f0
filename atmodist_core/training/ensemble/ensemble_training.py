"""Training of an ensemble generator, from its settings to its model folder."""

from pathlib import Path
from typing import Any

from atmodist_core.common.errors import UserError
from atmodist_core.models.store import load_network
from atmodist_core.training.configuration import EnsembleConfig, require_positive, to_dict
from atmodist_core.training.ensemble.ensemble_trainer import EnsembleTrainer
from atmodist_core.training.gan.content import encoder_model, takes_encoder
from atmodist_core.training.gan.gan_report import RIVAL_WEIGHTS, save_downscaling_model
from atmodist_core.training.gan.gan_start import (
    check_downscaling_config,
    generator_config,
    load_start,
    require_not_negative,
    start_settings,
)
from atmodist_core.training.loop.training_run import Sources, train

__all__ = ["EnsembleTrainer", "check_ensemble_config", "train_ensemble"]

_SCORES = ("crps_weight", "band_weight", "patch_weight", "feature_weight")
_LOSS = (
    *_SCORES,
    "spectrum_weight",
    "pattern_weight",
    *RIVAL_WEIGHTS,
    "adversarial_weight",
    "members",
    "fair_share",
)


def train_ensemble(config: EnsembleConfig, sources: Sources = None) -> Path | None:
    """Train (or resume) an ensemble generator and save it; see :func:`~atmodist_core.training.loop.training_run.train`."""
    check_ensemble_config(config)
    start = load_start(config, generator_config(config)) if config.start_from else None
    if takes_encoder(config):
        load_network(encoder_model(config))  # a wrong name fails before an hour of reading
    return train(
        config,
        sources,
        lambda data, hardware: EnsembleTrainer(config, data, hardware, start),
        _save,
        **start_settings(config, start),
    )


def _save(trainer: EnsembleTrainer) -> Path:
    """Write the model folder; the card says by what the members were scored."""
    settings = to_dict(trainer.config)
    loss: dict[str, Any] = {"name": "ensemble"} | {name: settings[name] for name in _LOSS}
    if trainer.config.patch_weight > 0:
        loss["patch_energy_size"] = trainer.config.patch_energy_size
    return save_downscaling_model(trainer, loss | trainer.about_encoder, (*_LOSS, "patch_energy_size"), {})


def check_ensemble_config(config: EnsembleConfig) -> None:
    """Refuse numbers out of range, by a UserError that names the flag."""
    check_downscaling_config(config)
    require_positive(config, ("epochs", "patch_energy_size", "held_out_members"))
    require_not_negative(config, _SCORES)
    if not sum(getattr(config, name) for name in _SCORES) > 0:
        raise UserError(
            "Expected a positive --crps-weight, --band-weight, --patch-weight or --feature-weight, found all 0; only a proper"
            " score makes members that agree with the truth."
        )
    for name, value in (("members", config.members), ("held-out-members", config.held_out_members)):
        if value < 2:
            raise UserError(f"Expected --{name} of at least 2, found {value}; a score compares members.")
    if not config.noise_channels + config.fine_noise_channels:
        raise UserError(
            "Expected --noise-channels or --fine-noise-channels above 0, found none; members differ by noise."
        )
    if not 0.0 <= config.fair_share <= 1.0:
        raise UserError(f"Expected --fair-share from 0 to 1, found {config.fair_share:g}; try 0.95.")
    if config.patch_weight > 0 and config.patch_energy_size > config.data.patch_size:
        raise UserError(
            f"Expected a --patch-energy-size within --patch-size {config.data.patch_size}, found"
            f" {config.patch_energy_size}; choose 8."
        )
