"""The end of an autoencoder's training: scores, the scale of its encoder's layers, and the model folder."""

import json
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

from atmodist_core.models.card import ModelCard
from atmodist_core.models.store import save_autoencoder
from atmodist_core.training.configuration import to_dict
from atmodist_core.training.data import patches
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.distance.distance_matching import measure_distance_curves
from atmodist_core.training.distance.distance_report import CURVES_OVER_LAG_NAME
from atmodist_core.training.records.logs import CURVES_NAME
from atmodist_core.training.records.provenance import card_basis, export_folder

if TYPE_CHECKING:
    from atmodist_core.training.autoencoder.autoencoder_training import AutoencoderTrainer


def save_autoencoder_model(trainer: "AutoencoderTrainer") -> Path:
    """Judge the autoencoder, and write the model folder with card and curves.

    The distances of its encoder's layers over the lag and their scales are measured as for a distance network,
    so that either can stand in the other's place in a content loss.
    """
    config, data = trainer.config, trainer.data
    scores = prefixed("held_out_", trainer.held_out_scores())
    curves = measure_distance_curves(
        trainer.network.encoder,
        data.held_out_fields,
        trainer.make_sampler(patches.MATCHING_STREAM),
        classes=config.lags,
        lead_step_hours=config.lead_step_hours,
        stride=trainer.stride,
        patch_size=config.data.patch_size,
        pairs_per_lead=config.matching_pairs,
    )
    for metric in curves.mean:
        scores[f"saturation_hours_{metric}"] = curves.saturation_hours(metric)
    out = config.run.out
    curves.write(out / CURVES_OVER_LAG_NAME)
    (out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    settings = to_dict(config)
    settings.pop("run")
    card = ModelCard(
        **card_basis(config.run, config.data, data),
        kind="autoencoder",
        loss={"name": "mean squared error of the reconstruction"},
        schedule={
            **{k: v for k, v in settings.items() if k != "data"},
            **{k: settings["data"][k] for k in ("patch_size", "latitude_limit", "mirror")},
            "steps": trainer.total_steps,
            "processes": trainer.fabric.world_size,
            "hardware": trainer.hardware.describe(),
        },
        scores={name: round(value, 5) for name, value in scores.items()},
        distance_scale=curves.scales(),
        limits=(
            "A control for content losses, no distance in time: it was trained to reconstruct patches centred"
            f" within {config.data.latitude_limit:g} degrees of the equator at"
            f" {data.training_fields.spacing_deg:g} degrees spacing."
        ),
    )
    folder = export_folder(config.run)
    save_autoencoder(folder, trainer.network, card, config.run.export_type)
    for name in (CURVES_NAME, CURVES_OVER_LAG_NAME):
        copyfile(out / name, folder / name)
    return folder
