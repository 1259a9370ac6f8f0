"""What a network that fills gaps is trained by: built from its settings."""

from atmodist_core.networks.losses.activation_energy import ActivationEnergyLoss
from atmodist_core.networks.losses.content import ContentLoss, MeanSquaredErrorLoss
from atmodist_core.networks.losses.crps import CrpsLoss
from atmodist_core.networks.losses.ensemble_score import EnsembleLoss
from atmodist_core.training.configuration import EnsembleConfig, GapConfig
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.gan.content import RenormalizedLoss, build_encoder_loss

GapLosses = dict[str, tuple[float, EnsembleLoss | ContentLoss]]

SINGLE_WEIGHTS = {"mse": "mse_weight", "content": "content_weight"}
"""Terms of one field: setting by column of curves.csv."""

MEMBER_WEIGHTS = {"crps": "crps_weight", "features": "feature_weight"}
"""Terms of several members."""


def takes_encoder(config: GapConfig) -> bool:
    """Whether a training compares by an encoder."""
    return (config.feature_weight if config.members > 1 else config.content_weight) > 0


def build_gap_losses(config: GapConfig, data: TrainingData) -> tuple[GapLosses, dict[str, object]]:
    """The terms that have a weight, by name with weight and loss; and what the card says about the encoder.

    Each is a mean over whole patches, which differ from the truth in their gaps only. A UserError says where the encoder does not fit.
    """
    losses: GapLosses = {}
    about: dict[str, object] = {}
    if config.members == 1:
        losses["mse"] = (config.mse_weight, MeanSquaredErrorLoss())
    else:
        losses["crps"] = (config.crps_weight, CrpsLoss(config.fair_share))
    if takes_encoder(config):
        spacing = data.training_fields.spacing_deg
        content, wanted, about = build_encoder_loss(
            _encoder_settings(config), data.normalization, spacing, data
        )
        loss: EnsembleLoss | ContentLoss = content
        if config.members > 1:
            loss = ActivationEnergyLoss(content, config.fair_share)
        if wanted is not None:
            loss = RenormalizedLoss(loss, data.normalization, wanted)
        name, weight = (
            ("content", config.content_weight) if config.members == 1 else ("features", config.feature_weight)
        )
        losses[name] = (weight, loss)
    return {name: term for name, term in losses.items() if term[0] > 0}, about


def _encoder_settings(config: GapConfig) -> EnsembleConfig:
    """The same choice of an encoder in the form that all content losses take."""
    return EnsembleConfig(
        data=config.data,
        run=config.run,
        content=config.content,
        distance=config.distance,
        distance_layer=config.distance_layer,
        other_spacing=config.other_spacing,
        random_encoder_seed=config.random_encoder_seed,
        matching_pairs=config.matching_pairs,
    )
