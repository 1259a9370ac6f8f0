"""From a prepared trainer to a saved model: what every training ends with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from atmodist_core.common.hardware import Hardware
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.loop.loop import Trainer, run_training, write_run_config
from atmodist_core.training.records.provenance import export_folder
from atmodist_core.training.settings.shared_configuration import RunConfig

TrainerT = TypeVar("TrainerT", bound=Trainer)


class _Config(Protocol):
    @property
    def run(self) -> RunConfig: ...


def run_to_model(
    trainer: TrainerT,
    config: _Config,
    data: TrainingData,
    hardware: Hardware,
    save: Callable[[TrainerT], Any],
) -> Path | None:
    """Say what is trained on what, train, and save the model.

    Parameters
    ----------
    trainer
        Ready for its first step, or for the step after its checkpoint.
    config
        All settings of the run.
    data, hardware
        What the run says it works on.
    save
        Writes the finished model; called in the main process alone.

    Returns
    -------
    Path or None
        Folder of the finished model; None when the run was stopped before its end.
    """
    if trainer.is_main_process:
        if config.run.progress:
            print(f"{data.describe()}; {hardware.describe()}", flush=True)
        write_run_config(config)
    if not run_training(trainer, config.run):
        return None
    if trainer.is_main_process:
        save(trainer)
    return export_folder(config.run)
