"""Texts of the Models view."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from app.compute.model_facts import ModelFacts
from app.views.shared.elements import HEAD_STYLES
from atmodist_core.figures.numbers.data_sets import DATA_FOLDER_VARIABLE, data_folder
from atmodist_core.figures.numbers.models import epochs
from atmodist_core.models.card import MODELS_VARIABLE
from atmodist_core.models.loss_description import loss_text

STYLES = (
    HEAD_STYLES
    + """
.head { flex-wrap: wrap; padding: 0; min-height: 0; } .title { font-size: 15px; } .detail { font-size: 12px; }
dl { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 2px 10px; margin: 8px 0 4px 0; font-size: 12.5px; line-height: 1.45; }
dt { color: var(--studio-muted); } dd { margin: 0; color: var(--studio-text); overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.limits { border-left: 3px solid #e69f00; padding: 4px 10px; font-size: 12.5px; line-height: 1.45; color: var(--studio-text); margin: 6px 0; }
.scores { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0; }
.scores div { display: flex; flex-direction: column; }
.scores .name { font-size: 10.5px; color: var(--studio-muted); } .scores .value { font-size: 13.5px; font-variant-numeric: tabular-nums; color: var(--studio-text); }
table.record { border-collapse: collapse; width: 100%; font-size: 12.5px; font-variant-numeric: tabular-nums; color: var(--studio-text); margin: 6px 0; }
.record caption { text-align: left; font-size: 12.5px; line-height: 1.45; color: var(--studio-muted); padding-bottom: 2px; }
.record th { text-align: left; font-weight: 400; color: var(--studio-muted); padding: 2px 10px 2px 0; } .record td { padding: 2px 10px 2px 0; }
.record tbody tr { border-top: 1px solid var(--studio-line); } .record small { color: var(--studio-muted); font-size: 11.5px; white-space: nowrap; }
ol, p { font-size: 13px; line-height: 1.55; color: var(--studio-text); margin: 6px 0; } ol { padding-left: 20px; }
code { font-size: 12px; background: var(--studio-raised); padding: 1px 5px; border-radius: 4px; }
"""
)

_KINDS = {
    "distance": "distance network",
    "encoder": "encoder of another pretext task, a control for content losses",
    "downscaler": "downscaling network",
    "flow": "downscaling network, flow matching",
    "autoencoder": "autoencoder, a control for content losses",
    "gap filler": "network that fills gaps",
}
_SCORES: dict[str, tuple[str, str, float]] = {
    "held_out_accuracy": ("lag accuracy", " %", 100.0),
    "chance_accuracy": ("lag accuracy by chance", " %", 100.0),
    "rms_accuracy": ("lag accuracy from RMS differences", " %", 100.0),
    "held_out_top3": ("top-3 lag accuracy", " %", 100.0),
    "held_out_lag_error_hours": ("mean lag error", " h", 1.0),
    "saturation_hours_stage4": ("AtmoDist saturates at", " h", 1.0),
    "saturation_hours_mse": ("MSE saturates at", " h", 1.0),
    "held_out_mse": ("MSE, normalised", "", 1.0),
    "held_out_explained_variance": ("variance explained by the reconstruction", " %", 100.0),
    "held_out_bicubic_mse": ("bicubic: MSE", "", 1.0),
    "held_out_power_ratio_vorticity": ("small-scale power, vorticity", "", 1.0),
    "held_out_power_ratio_divergence": ("divergence", "", 1.0),
    "held_out_bicubic_power_ratio_vorticity": ("bicubic: vorticity", "", 1.0),
}


def facts_html(facts: ModelFacts, colour: str, record: str = "") -> str:
    """Return title, facts, scores, the table of a longer record (HTML) and limits of one model."""
    card = facts.card
    size = "" if math.isnan(facts.megabytes) else f", {facts.megabytes:.1f} MB"
    rows = {
        "Trained on": card.data,
        "Period": card.period,
        "Level, grid": ", ".join(part for part in (card.level, _grid(card)) if part),
        "Loss": loss_text(card),
        "Training": _training(card),
        "Size": f"{card.parameters:,} parameters".replace(",", " ") + size,
        "Made": f"{str(card.created)[:10]}, code {card.code_version}; licence {card.licence}",
        "Notes": card.notes,
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(str(text))}</dd>" for name, text in rows.items() if text)
    cells = "".join(
        f'<div><span class="name">{name}</span><span class="value">{_score(card.scores[key], factor)}{unit}</span></div>'
        for key, (name, unit, factor) in _SCORES.items()
        if isinstance(card.scores.get(key), int | float)
    )
    limits = f'<div class="limits"><b>Limits.</b> {escape(card.limits)}</div>' if card.limits else ""
    kind = _KINDS.get(card.kind, card.kind)
    name = "" if card.name == facts.label else f"{card.name} · "
    scores = (
        f'<div class="note">On data held back from training</div><div class="scores">{cells}</div>'
        if cells
        else ""
    )
    return (
        f'<div class="head"><span class="swatch" style="background:{colour}"></span><span class="title">{escape(facts.label)}</span>'
        f'<span class="detail">{escape(name)}{escape(kind)}</span></div><dl>{listed}</dl>{scores}{record}{limits}'
    )


def own_html() -> str:
    """Return how to add your own models and data."""
    data = "is set" if data_folder() is not None else "is not set"
    return f"""
<div class="head"><span class="title">Use my own</span><span class="detail">new models and data appear within seconds, without a restart</span></div>
<p><b>Data.</b> Put a file into the folder given by <code>atmodist app --data folder</code> (here it {data}): ERA5 as netCDF or GRIB, a Zarr store, or any
CF file with wind or with vorticity and divergence. Two files whose names end in <code>_u</code> and <code>_v</code> are read as one wind field. The
data set then appears in the list “Data set” of the side bar.</p>
<p><b>Models.</b> Train a model and set its folder:</p>
<ol>
<li><code>atmodist distance --preset demo</code> or <code>atmodist gan --preset demo</code> (see <code>--help</code>) writes a folder with
<code>card.json</code>, <code>model.safetensors</code> and <code>curves.csv</code>.</li>
<li>Put it into the folder given by <code>atmodist app --models folder</code>, or list several folders in <code>{MODELS_VARIABLE}</code>.</li>
<li>The model appears in this view, and a downscaling model also under “Methods”. A message above gives the reason if a folder cannot be used.</li>
</ol>
<p class="note">Only files inside these folders are opened; links that lead out of them are skipped. Weights are safetensors files, which cannot contain code.
Environment variables: <code>{DATA_FOLDER_VARIABLE}</code>, <code>{MODELS_VARIABLE}</code>.</p>
"""


def _grid(card: Any) -> str:
    if card.grid_spacing_deg is None:
        return ""
    if card.downscales:
        return f"{card.factor * card.grid_spacing_deg:g}° to {card.grid_spacing_deg:g}°"
    return f"{card.grid_spacing_deg:g}°"


def _training(card: Any) -> str:
    schedule = card.schedule
    parts = [f"{epochs(card)} epochs"] if epochs(card) else []
    if schedule.get("steps"):
        parts.append(f"{schedule['steps']} steps of {schedule.get('batch_size', '?')}")
    if schedule.get("start_model"):
        parts.append(f"from {schedule['start_model']}")
    if schedule.get("hardware"):
        parts.append(str(schedule["hardware"]))
    return ", ".join([*parts, f"seed {card.seed}"])


def _score(value: float, factor: float) -> str:
    return f"{value * factor:.3g}"
