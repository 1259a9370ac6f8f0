"""Training of the distance network, from its settings to its model folder."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from atmodist_core.training.configuration import DistanceConfig
from atmodist_core.training.distance.distance_report import save_distance_model
from atmodist_core.training.distance.distance_start import check_distance_config, load_start_distance
from atmodist_core.training.distance.distance_trainer import DistanceTrainer
from atmodist_core.training.loop.checkpoints import BEST_NAME, read_checkpoint, restore_module
from atmodist_core.training.loop.training_run import Sources, train
from atmodist_core.training.pretext.pretext_report import save_encoder_model
from atmodist_core.training.pretext.pretext_tasks import PRETEXT_TASKS
from atmodist_core.training.pretext.pretext_trainer import PretextTrainer

TrainerT = TypeVar("TrainerT", bound=DistanceTrainer)
__all__ = ["DistanceTrainer", "train_distance"]


def train_distance(config: DistanceConfig, sources: Sources = None) -> Path | None:
    """Train (or resume) a distance network and save it; see :func:`~atmodist_core.training.loop.training_run.train`."""
    check_distance_config(config)
    start = load_start_distance(config)
    if config.pretext in PRETEXT_TASKS:
        return train(
            config,
            sources,
            lambda data, hardware: PretextTrainer(config, data.normalized(), hardware),
            lambda trainer: _save_kept(trainer, save_encoder_model),
        )
    return train(
        config,
        sources,
        lambda data, hardware: DistanceTrainer(config, data.normalized(), hardware, start),
        lambda trainer: _save_kept(trainer, save_distance_model),
        # Fine-tuning: the encoder continues with fields normalised as before.
        start.card.normalization if start else None,
    )


def _save_kept(trainer: TrainerT, save: Callable[[TrainerT], Path]) -> None:
    """Save the best weights, or the last where those are kept."""
    best = trainer.config.run.out / BEST_NAME
    if trainer.config.keep == "best" and best.is_file():
        restore_module(trainer.evaluated_network, read_checkpoint(best)[0], "network")
    save(trainer)
