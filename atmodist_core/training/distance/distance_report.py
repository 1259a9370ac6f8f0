"""The end of a distance training: everything measured on held-out pairs, and the model folder."""

import csv
import json
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from torch import Tensor

from atmodist_core.inference.lag_probabilities import chance_scores
from atmodist_core.models.card import ModelCard
from atmodist_core.models.store import save_distance
from atmodist_core.training.configuration import to_dict
from atmodist_core.training.data import patches
from atmodist_core.training.data.held_out import (
    confusion_matrix,
    difference_baselines,
    difference_features,
    pair_batches,
    prefixed,
    pretext_scores,
)
from atmodist_core.training.distance.distance_matching import DistanceCurves, measure_distance_curves
from atmodist_core.training.records.logs import CURVES_NAME
from atmodist_core.training.records.provenance import card_basis, export_folder

if TYPE_CHECKING:
    from atmodist_core.training.distance.distance_training import DistanceTrainer

CURVES_OVER_LAG_NAME = "distance_curves.csv"
CONFUSION_NAME = "confusion_matrix.csv"
CONFUSION_FOLDER = "confusion_matrices"


def write_confusion(folder: Path, logits: Tensor, labels: Tensor, epoch: int | None = None) -> Path:
    """Write counts of predicted (columns) against true classes (rows) as CSV.

    Parameters
    ----------
    folder
        Of the run.
    logits, labels
        Shapes ``(pairs, classes)`` and ``(pairs,)``.
    epoch
        0-based; the file is ``confusion_matrices/epoch_001.csv`` and so on, without it
        ``confusion_matrix.csv``.
    """
    path = folder / CONFUSION_NAME
    if epoch is not None:
        path = folder / CONFUSION_FOLDER / f"epoch_{epoch + 1:03d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(confusion_matrix(logits, labels).tolist())
    return path


def judge_distance(trainer: "DistanceTrainer") -> tuple[dict[str, float], Tensor, Tensor, DistanceCurves]:
    """Measure a trained distance network.

    Returns
    -------
    scores : dict
        Of the network (``held_out_*``), of chance (``chance_*``), and of guesses from RMS differences on the
        same pairs (``least_squares_*``, ``rms_*``); lags at which each distance saturates [h].
    logits, labels : Tensor
        Of the held-out pairs, ``(pairs, classes)`` and ``(pairs,)``.
    curves : DistanceCurves
        Distances against the lag.
    """
    c = trainer.config
    logits, labels = trainer.predict_held_out(c.final_pairs, shared=False)
    scores = prefixed("held_out_", pretext_scores(logits, labels, c.lead_step_hours))
    scores |= prefixed("chance_", chance_scores(c.classes, c.lead_step_hours))
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
    scores |= difference_baselines(training, held_out, c.classes, c.lead_step_hours)
    curves = measure_distance_curves(
        trainer.judged_network.encoder,
        trainer.data.held_out_fields,
        trainer.make_sampler(patches.MATCHING_STREAM),
        classes=c.classes,
        lead_step_hours=c.lead_step_hours,
        stride=trainer.stride,
        patch_size=c.data.patch_size,
        pairs_per_lead=c.matching_pairs,
    )
    for metric in curves.mean:
        scores[f"saturation_hours_{metric}"] = curves.saturation_hours(metric)
    return scores, logits, labels, curves


def save_distance_model(trainer: "DistanceTrainer") -> Path:
    """Judge the trained network, and write the model folder with card and curves."""
    config, data = trainer.config, trainer.data
    scores, logits, labels, curves = judge_distance(trainer)
    out = config.run.out
    curves.write(out / CURVES_OVER_LAG_NAME)
    write_confusion(out, logits, labels)
    (out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    settings = to_dict(config)
    settings.pop("run")
    card = ModelCard(
        **card_basis(config.run, config.data, data),
        kind="distance",
        loss={"name": "cross-entropy", "classes": config.classes, "lead_step_hours": config.lead_step_hours},
        schedule={
            **{
                k: v
                for k, v in settings.items()
                if k not in ("data", "classes", "lead_step_hours", "start_from")
            },
            **{k: settings["data"][k] for k in ("patch_size", "latitude_limit", "mirror")},
            "steps": trainer.total_steps,
            "processes": trainer.fabric.world_size,
            "hardware": trainer.hardware.describe(),
            **({"start_model": trainer.start.card.name} if trainer.start else {}),
        },
        scores={name: round(value, 5) for name, value in scores.items()},
        distance_scale=curves.scales(),
        limits=(
            f"Trained on patches centred within {config.data.latitude_limit:g} degrees of the equator at"
            f" {data.training_fields.spacing_deg:g} degrees spacing; elsewhere its distances are"
            " extrapolation."
        ),
    )
    folder = export_folder(config.run)
    save_distance(folder, trainer.judged_network, card, config.run.export_type)
    for name in (CURVES_NAME, CURVES_OVER_LAG_NAME, CONFUSION_NAME):
        copyfile(out / name, folder / name)
    return folder
