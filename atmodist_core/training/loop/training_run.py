"""A training from its settings to its model folder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any, TypeVar

import xarray as xr

from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.hardware import Hardware, choose_hardware
from atmodist_core.models.card import ModelCard
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.training_data import TrainingData, load_training_data
from atmodist_core.training.loop.loop import check_run_folder, run_training, write_run_config
from atmodist_core.training.loop.trainer import Trainer
from atmodist_core.training.records.logs import CURVES_NAME, reading_progress
from atmodist_core.training.records.provenance import card_basis, export_folder
from atmodist_core.training.settings.shared_configuration import to_dict

TrainerT = TypeVar("TrainerT", bound=Trainer)
Sources = Sequence[Path | str | xr.Dataset] | None
"""Datasets in place of ``config.data.data`` (tests, notebooks)."""


def train(
    config: Any,
    sources: Sources,
    make_trainer: Callable[[TrainingData, Hardware], TrainerT],
    save: Callable[[TrainerT], Any],
    normalization: SignedLogNormalization | None = None,
    **data_settings: Any,
) -> Path | None:
    """Read the data, train (or resume), and save the model.

    Parameters
    ----------
    config
        Checked settings.
    sources
        Datasets in place of ``config.data.data``.
    make_trainer, save
        Build the trainer from data and hardware; write the finished model (called in the main process only).
    normalization
        That of the model the run starts from; by default it is measured.
    **data_settings
        Further ones of :func:`~atmodist_core.training.data.training_data.load_training_data`.

    Returns
    -------
    Path or None
        Folder of the finished model; None when the run was stopped before its end.

    Raises
    ------
    UserError
        A setting, the data, or the folder of the run does not fit.
    """
    run = config.run
    hardware = choose_hardware(run.device, run.precision, run.threads, run.deterministic)
    check_run_folder(config)
    with exclusive_folder(run.out):
        with reading_progress(run.progress) as progress:
            data = load_training_data(
                config.data,
                sources=sources,
                normalization=normalization,
                progress=progress,
                **data_settings,
            )
        trainer = make_trainer(data, hardware)
        try:
            if trainer.is_main_process:
                if run.progress:
                    print(f"{trainer.data.describe()}; {hardware.describe()}", flush=True)
                write_run_config(config)
            if not run_training(trainer, run):
                return None
            if trainer.is_main_process:
                save(trainer)
        finally:
            trainer.close()
    return export_folder(run)


def save_trained_model(
    trainer: Trainer,
    scores: dict[str, float],
    save: Callable[[Path, ModelCard], Any],
    *,
    schedule: dict[str, Any],
    files: Sequence[str] = (),
    **entries: Any,
) -> Path:
    """Write ``scores.json``, and the model folder with card, weights, curves and further files of the run.

    ``schedule`` holds settings for the card (the patches' and the hardware are added), ``files`` are copied
    into the model folder, and ``entries`` are further entries of the card.
    """
    config, out = trainer.config, trainer.config.run.out
    (out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    data_settings = to_dict(config.data)
    card = ModelCard(
        **card_basis(config.run, config.data, trainer.data),
        **trainer.about_fields(),
        schedule={
            **schedule,
            **{name: data_settings[name] for name in ("patch_size", "latitude_limit", "mirror")},
            "steps": trainer.total_steps,
            "hardware": trainer.hardware.describe(),
        },
        scores={name: round(value, 5) for name, value in scores.items()},
        **entries,
    )
    folder = export_folder(config.run)
    save(folder, card)
    for name in (CURVES_NAME, *files):
        copyfile(out / name, folder / name)
    return folder


def settings_without(config: Any, *names: str) -> dict[str, Any]:
    """Return the settings of a training as plain values, without those of its data, its run and some others."""
    return {name: value for name, value in to_dict(config).items() if name not in ("data", "run", *names)}
