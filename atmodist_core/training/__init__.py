"""Training of the networks: configuration, random patches, the loop with its checkpoints, final scores.

:func:`~atmodist_core.training.distance.distance_training.train_distance` and
:func:`~atmodist_core.training.gan.gan_training.train_gan` do all that the commands in ``train/`` do.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "DISTANCE_PRESETS": "configuration",
    "ENSEMBLE_PRESETS": "configuration",
    "GAN_PRESETS": "configuration",
    "DataConfig": "configuration",
    "DistanceConfig": "configuration",
    "EnsembleConfig": "configuration",
    "GanConfig": "configuration",
    "RunConfig": "configuration",
    "train_distance": "distance.distance_training",
    "train_ensemble": "ensemble.ensemble_training",
    "train_gan": "gan.gan_training",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    """Import on first use: the command lines read the configuration without waiting for torch."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
