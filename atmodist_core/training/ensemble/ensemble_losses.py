"""The scores that an ensemble generator is trained by: built from its settings."""

from atmodist_core.networks.losses.activation_energy import ActivationEnergyLoss
from atmodist_core.networks.losses.band_crps import BandCrpsLoss
from atmodist_core.networks.losses.content import ContentLoss
from atmodist_core.networks.losses.crps import CrpsLoss
from atmodist_core.networks.losses.ensemble_score import EnsembleLoss
from atmodist_core.networks.losses.patch_energy import PatchEnergyLoss
from atmodist_core.training.configuration import EnsembleConfig
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.gan.content import RenormalizedLoss, build_encoder_loss

Scores = dict[str, tuple[float, EnsembleLoss | ContentLoss]]


def build_ensemble_losses(config: EnsembleConfig, data: TrainingData) -> tuple[Scores, dict[str, object]]:
    """The scores that have a weight, by name with weight and loss; and what the card says about the encoder.

    An encoder is loaded only where its score has a weight. A UserError says where it does not fit.
    """
    scores: Scores = {}
    about: dict[str, object] = {}
    if config.crps_weight > 0:
        scores["crps"] = (config.crps_weight, CrpsLoss(config.fair_share))
    if config.band_weight > 0:
        scores["bands"] = (config.band_weight, BandCrpsLoss(config.fair_share))
    if config.patch_weight > 0:
        loss = PatchEnergyLoss(config.patch_energy_size, config.fair_share)
        scores["patches"] = (config.patch_weight, loss)
    if config.feature_weight > 0:
        spacing = data.training_fields.spacing_deg
        content, wanted, about = build_encoder_loss(config, data.normalization, spacing, data)
        energy: EnsembleLoss | ContentLoss = ActivationEnergyLoss(content, config.fair_share)
        if wanted is not None:
            energy = RenormalizedLoss(energy, data.normalization, wanted)
        scores["features"] = (config.feature_weight, energy)
    return scores, about
