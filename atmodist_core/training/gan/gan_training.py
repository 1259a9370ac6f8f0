"""Training of a downscaling generator, from its settings to its model folder."""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from atmodist_core.common.hardware import choose_hardware
from atmodist_core.models.store import load_network
from atmodist_core.training.configuration import GanConfig
from atmodist_core.training.data.coarse_patches import coarse_and_fine
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.gan.content import encoder_model
from atmodist_core.training.gan.gan_report import save_generator_model
from atmodist_core.training.gan.gan_start import check_gan_config, generator_config, load_start
from atmodist_core.training.gan.gan_trainer import GanTrainer
from atmodist_core.training.loop.loop import check_run_folder
from atmodist_core.training.loop.run_to_model import run_to_model
from atmodist_core.training.records.logs import reading_progress

__all__ = ["GanTrainer", "coarse_and_fine", "train_gan"]


def train_gan(config: GanConfig, sources: Sequence[Path | str | xr.Dataset] | None = None) -> Path | None:
    """Train (or go on training) a generator, judge it and save it.

    Parameters
    ----------
    config
        All settings.
    sources
        Datasets in place of ``config.data.data`` (tests, notebooks).

    Returns
    -------
    Path or None
        Folder of the finished model; None when the run was stopped before its end.

    Raises
    ------
    UserError
        A setting, the data, a model to start from, or the folder of the run does not fit.
    """
    check_gan_config(config)
    run = config.run
    hardware = choose_hardware(run.device, run.precision, run.threads, run.deterministic)
    start = load_start(config, generator_config(config)) if config.start_from else None
    if config.content in ("atmodist", "autoencoder"):
        load_network(encoder_model(config))  # a wrong name fails before an hour of reading
    check_run_folder(config)
    normalization = start.card.normalization if start and config.keep_normalization else None
    with reading_progress(run.progress) as progress:
        data = load_training_data(
            config.data, sources=sources, normalization=normalization, progress=progress
        )
    trainer = GanTrainer(config, data, hardware, start)
    return run_to_model(trainer, config, data, hardware, save_generator_model)
