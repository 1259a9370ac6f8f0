"""Training of an autoencoder, from its settings to its model folder."""

from pathlib import Path

from atmodist_core.training.autoencoder.autoencoder_report import save_autoencoder_model
from atmodist_core.training.autoencoder.autoencoder_trainer import (
    AutoencoderTrainer,
    check_autoencoder_config,
)
from atmodist_core.training.configuration import AutoencoderConfig
from atmodist_core.training.loop.training_run import Sources, train

__all__ = ["AutoencoderTrainer", "train_autoencoder"]


def train_autoencoder(config: AutoencoderConfig, sources: Sources = None) -> Path | None:
    """Train (or resume) an autoencoder and save it; see :func:`~atmodist_core.training.loop.training_run.train`."""
    check_autoencoder_config(config)
    return train(
        config,
        sources,
        lambda data, hardware: AutoencoderTrainer(config, data.normalized(), hardware),
        save_autoencoder_model,
    )
