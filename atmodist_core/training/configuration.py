"""The settings of every training run: flags, presets and ``config.json`` are the same frozen dataclasses."""

from atmodist_core.training.settings.adaptation_configuration import AdaptationConfig
from atmodist_core.training.settings.autoencoder_configuration import AUTOENCODER_PRESETS, AutoencoderConfig
from atmodist_core.training.settings.distance_configuration import DISTANCE_PRESETS, DistanceConfig
from atmodist_core.training.settings.downscaling_configuration import DownscalingConfig
from atmodist_core.training.settings.ensemble_configuration import ENSEMBLE_PRESETS, EnsembleConfig
from atmodist_core.training.settings.flow_configuration import FLOW_PRESETS, FlowMatchingConfig
from atmodist_core.training.settings.gan_configuration import GAN_PRESETS, GanConfig
from atmodist_core.training.settings.gap_configuration import GAP_PRESETS, GapConfig
from atmodist_core.training.settings.shared_configuration import (
    RESUMABLE_CHANGES,
    DataConfig,
    RunConfig,
    Storage,
    differences,
    from_dict,
    require_positive,
    to_dict,
)

__all__ = [
    "AUTOENCODER_PRESETS",
    "DISTANCE_PRESETS",
    "ENSEMBLE_PRESETS",
    "FLOW_PRESETS",
    "GAN_PRESETS",
    "GAP_PRESETS",
    "RESUMABLE_CHANGES",
    "AdaptationConfig",
    "AutoencoderConfig",
    "DataConfig",
    "DistanceConfig",
    "DownscalingConfig",
    "EnsembleConfig",
    "FlowMatchingConfig",
    "GanConfig",
    "GapConfig",
    "RunConfig",
    "Storage",
    "differences",
    "from_dict",
    "require_positive",
    "to_dict",
]
