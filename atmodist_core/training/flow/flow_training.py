"""Training of a flow, from its settings to its model folder."""

from pathlib import Path

from atmodist_core.common.errors import UserError
from atmodist_core.models.store import save_flow
from atmodist_core.training.configuration import FlowMatchingConfig, require_positive
from atmodist_core.training.flow.flow_trainer import FlowTrainer
from atmodist_core.training.gan.gan_report import save_downscaling_model
from atmodist_core.training.gan.gan_start import (
    check_downscaling_config,
    generator_config,
    load_start,
    start_settings,
)
from atmodist_core.training.loop.training_run import Sources, train

__all__ = ["FlowTrainer", "check_flow_config", "train_flow"]


def train_flow(config: FlowMatchingConfig, sources: Sources = None) -> Path | None:
    """Train (or resume) a flow and save it; see :func:`~atmodist_core.training.loop.training_run.train`."""
    check_flow_config(config)
    start = load_start(config, generator_config(config)) if config.start_from else None
    if start is not None and start.network.config.takes_noise:
        raise UserError(
            f"Expected a generator without noise after --start-from, found the ensemble {start.card.name!r}; name one"
            " such as sr-4x-mse."
        )
    return train(
        config,
        sources,
        lambda data, hardware: FlowTrainer(config, data, hardware, start),
        _save,
        **start_settings(config, start),
    )


def _save(trainer: FlowTrainer) -> Path:
    """Write the model folder; the card says whose residual is drawn."""
    network, run = trainer.flow_network(), trainer.config.run
    return save_downscaling_model(
        trainer,
        {"name": "flow matching", "mean_model": trainer.start.card.name if trainer.start else "none"},
        ("adversarial_weight",),
        {},
        lambda folder, card: save_flow(folder, network, card, run.export_type),
    )


def check_flow_config(config: FlowMatchingConfig) -> None:
    """Refuse numbers out of range, by a UserError that names the flag."""
    check_downscaling_config(config)
    require_positive(config, ("epochs", "solver_steps", "held_out_members"))
    if config.noise_channels or config.fine_noise_channels or config.adversarial_weight or config.compile:
        raise UserError(
            "Expected no --noise-channels, --fine-noise-channels, --adversarial-weight or --compile for a flow, found some;"
            " leave them out."
        )
    if config.condition != "none":
        raise UserError("Expected a flow without --condition, found one; leave it out.")
    if config.pool_normalized or not config.keep_normalization:
        raise UserError(
            "Expected a flow without --pool-normalized and --no-keep-normalization, found one; the network whose residual it"
            " draws has other fields: leave it out."
        )
