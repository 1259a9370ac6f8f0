"""The end of an autoencoder's training: scores, the scale of its encoder's layers, and the model folder."""

from pathlib import Path

from atmodist_core.models.store import save_autoencoder
from atmodist_core.training.autoencoder.autoencoder_trainer import AutoencoderTrainer
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.distance.distance_matching import CURVES_OVER_LAG_NAME, held_out_distance_curves
from atmodist_core.training.loop.training_run import save_trained_model, settings_without


def save_autoencoder_model(trainer: AutoencoderTrainer) -> Path:
    """Evaluate the autoencoder, and write the model folder with card and curves.

    The distances of its encoder's layers over the lag and their scales are measured as for a distance network,
    so that either can stand in the other's place in a content loss.
    """
    config = trainer.config
    scores = prefixed("held_out_", trainer.held_out_scores())
    curves = held_out_distance_curves(trainer, trainer.network.encoder, config.lags, config.matching_pairs)
    for metric in curves.mean:
        scores[f"saturation_hours_{metric}"] = curves.saturation_hours(metric)
    curves.write(config.run.out / CURVES_OVER_LAG_NAME)
    return save_trained_model(
        trainer,
        scores,
        lambda folder, card: save_autoencoder(folder, trainer.network, card, config.run.export_type),
        kind="autoencoder",
        loss={"name": "mean squared error of the reconstruction"},
        schedule={**settings_without(config), "processes": trainer.fabric.world_size},
        distance_scale=curves.scales(),
        limits=(
            "A control for content losses, no distance in time: it was trained to reconstruct patches centred"
            f" within {config.data.latitude_limit:g} degrees of the equator at"
            f" {trainer.data.training_fields.spacing_deg:g} degrees spacing."
        ),
        files=(CURVES_OVER_LAG_NAME,),
    )
