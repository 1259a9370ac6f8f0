"""Training of a downscaling generator, from its settings to its model folder."""

from pathlib import Path

from atmodist_core.models.store import load_network
from atmodist_core.training.configuration import GanConfig
from atmodist_core.training.gan.content import encoder_model, takes_encoder
from atmodist_core.training.gan.gan_report import save_generator_model
from atmodist_core.training.gan.gan_start import (
    check_gan_config,
    generator_config,
    load_start,
    start_settings,
)
from atmodist_core.training.gan.gan_trainer import GanTrainer
from atmodist_core.training.loop.training_run import Sources, train

__all__ = ["GanTrainer", "train_gan"]


def train_gan(config: GanConfig, sources: Sources = None) -> Path | None:
    """Train (or resume) a generator and save it; see :func:`~atmodist_core.training.loop.training_run.train`."""
    check_gan_config(config)
    start = load_start(config, generator_config(config)) if config.start_from else None
    if takes_encoder(config):
        load_network(encoder_model(config))  # a wrong name fails before an hour of reading
    return train(
        config,
        sources,
        lambda data, hardware: GanTrainer(config, data, hardware, start),
        save_generator_model,
        **start_settings(config, start),
    )
