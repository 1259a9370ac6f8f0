"""The end of a training on another pretext task: the scale of the encoder's layers, and the model folder."""

from pathlib import Path

from atmodist_core.models.store import save_encoder
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.distance.distance_matching import CURVES_OVER_LAG_NAME, held_out_distance_curves
from atmodist_core.training.loop.training_run import save_trained_model, settings_without
from atmodist_core.training.pretext.pretext_trainer import PretextTrainer


def save_encoder_model(trainer: PretextTrainer) -> Path:
    """Evaluate the encoder, and write the model folder with card and curves.

    The distances of its layers over the lag and their scales are measured as for a distance network, so that either can stand in
    the other's place.
    """
    config = trainer.config
    encoder = trainer.evaluated_network.encoder
    scores = prefixed("held_out_", dict(trainer.held_out(trainer.total_steps)))
    curves = held_out_distance_curves(trainer, encoder, config.classes, config.matching_pairs)
    for metric in curves.mean:
        scores[f"saturation_hours_{metric}"] = curves.saturation_hours(metric)
    curves.write(config.run.out / CURVES_OVER_LAG_NAME)
    return save_trained_model(
        trainer,
        scores,
        lambda folder, card: save_encoder(folder, encoder, card, config.run.export_type),
        kind="encoder",
        loss={"name": f"pretext task: {config.pretext}", "pretext": config.pretext},
        schedule={**settings_without(config, "start_from"), "processes": trainer.fabric.world_size},
        distance_scale=curves.scales(),
        limits=(
            f"A control for content losses: its pretext task was {config.pretext}, on patches centred within"
            f" {config.data.latitude_limit:g} degrees of the equator at {trainer.data.training_fields.spacing_deg:g} degrees"
            " spacing."
        ),
        files=(CURVES_OVER_LAG_NAME,),
    )
