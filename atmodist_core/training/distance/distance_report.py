"""The end of a distance training: scores on held-out pairs, and the model folder."""

from pathlib import Path
from typing import Any

from torch import Tensor

from atmodist_core.inference.lag_probabilities import chance_scores
from atmodist_core.models.store import save_distance
from atmodist_core.training.data import patches
from atmodist_core.training.data.held_out import (
    difference_baselines,
    difference_features,
    pair_batches,
    prefixed,
    pretext_scores,
)
from atmodist_core.training.distance.confusion_file import CONFUSION_NAME, write_confusion
from atmodist_core.training.distance.distance_matching import (
    CURVES_OVER_LAG_NAME,
    DistanceCurves,
    held_out_distance_curves,
)
from atmodist_core.training.distance.distance_trainer import DistanceTrainer
from atmodist_core.training.loop.training_run import save_trained_model, settings_without


def evaluate_distance(trainer: DistanceTrainer) -> tuple[dict[str, float], Tensor, Tensor, DistanceCurves]:
    """Measure a trained network: scores, logits and labels of the held-out pairs, distances against the lag.

    Scores are those of the network (``held_out_*``), of chance (``chance_*``), and of guesses from RMS
    differences on the same pairs (``least_squares_*``, ``rms_*``); and lags at which each distance saturates
    [h].
    """
    c = trainer.config
    logits, labels = trainer.predict_held_out(c.final_pairs, shared=False)
    scores = prefixed("held_out_", pretext_scores(logits, labels, c.lag_step_hours))
    scores |= prefixed("chance_", chance_scores(c.classes, c.lag_step_hours))
    options: dict[str, Any] = {
        "batch_size": c.batch_size,
        "patch_size": c.data.patch_size,
        "classes": c.classes,
        "stride": trainer.stride,
    }
    training, held_out = (
        difference_features(pair_batches(fields, trainer.make_sampler(stream), pairs=pairs, **options))
        for fields, stream, pairs in (
            (trainer.data.training_fields, patches.BASELINE_STREAM, 2 * c.final_pairs),
            (trainer.data.held_out_fields, patches.VALIDATION_STREAM, c.final_pairs),
        )
    )
    scores |= difference_baselines(training, held_out, c.classes, c.lag_step_hours)
    encoder = trainer.evaluated_network.encoder
    curves = held_out_distance_curves(trainer, encoder, c.classes, c.matching_pairs)
    for metric in curves.mean:
        scores[f"saturation_hours_{metric}"] = curves.saturation_hours(metric)
    return scores, logits, labels, curves


def save_distance_model(trainer: DistanceTrainer) -> Path:
    """Evaluate the trained network, and write the model folder with card and curves."""
    config = trainer.config
    scores, logits, labels, curves = evaluate_distance(trainer)
    curves.write(config.run.out / CURVES_OVER_LAG_NAME)
    write_confusion(config.run.out, logits, labels)
    return save_trained_model(
        trainer,
        scores,
        lambda folder, card: save_distance(folder, trainer.evaluated_network, card, config.run.export_type),
        kind="distance",
        loss={
            "name": "cross-entropy",
            "classes": config.classes,
            "lag_step_hours": config.lag_step_hours,
            **({"ordered": True} if config.pretext == "ordered" else {}),
        },
        schedule={
            **settings_without(config, "classes", "lag_step_hours", "start_from"),
            "processes": trainer.fabric.world_size,
            **({"start_model": trainer.start.card.name} if trainer.start else {}),
        },
        distance_scale=curves.scales(),
        limits=(
            f"Trained on patches centred within {config.data.latitude_limit:g} degrees of the equator at"
            f" {trainer.data.training_fields.spacing_deg:g} degrees spacing; elsewhere its distances are"
            " extrapolation."
        ),
        files=(CURVES_OVER_LAG_NAME, CONFUSION_NAME),
    )
