"""Origin of a model for its card: data, period, code version."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from atmodist_core import __version__
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.effective_truncation import truncation_of_values
from atmodist_core.training.configuration import DataConfig, RunConfig
from atmodist_core.training.data.fields_in_memory import FieldsInMemory
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids
from atmodist_core.training.data.training_data import TrainingData


def checkout_state() -> tuple[str, bool] | None:
    """The git commit (40 digits) of this checkout and whether files differ from it; None without git."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None

    def git(*words: str) -> str:
        answer = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=False, timeout=20
        )
        return answer.stdout.strip() if answer.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
        changed = bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (commit, changed) if commit else None


def code_version() -> str:
    """Version of this package, and the git commit of a checkout (``+changes``: with uncommitted edits)."""
    state = checkout_state()
    if state is None:
        return __version__
    commit, changed = state
    return f"{__version__} ({commit[:12]}{'+changes' if changed else ''})"


def describe_period(data: TrainingData) -> str:
    """Times trained on, per member."""
    return "; ".join(member.period for member in data.training_fields.members)


def describe_data(data: TrainingData, config: DataConfig) -> str:
    """Members trained on, by the names of their folders (no paths: they mean nothing elsewhere)."""
    names = [Path(member.name).name for member in data.training_fields.members]
    held = (
        f"held out: {', '.join(Path(m.name).name for m in data.held_out_fields.members)}"
        if config.validation
        else f"held out: the last {config.validation_fraction:.0%} of each"
    )
    source = data.training_fields.source or "unknown source"
    return f"{source}; {len(names)} member(s): {', '.join(names)}; {held}"


def trained_truncation(data: TrainingData) -> float | None:
    """Effective truncation of the training fields, the median over grids; None for a training store."""
    fields = data.training_fields
    found = []
    for part in fields.parts if isinstance(fields, FieldsOfGrids) else (fields,):
        if not isinstance(part, FieldsInMemory):
            continue
        times = evenly_spaced(part.times, 3)
        stored = part.values[times].float() * part.units
        values = (stored if part.offsets is None else stored + part.offsets).permute(0, 3, 1, 2).cpu()
        physical = data.normalization.denormalize(values) if part.normalized else values
        found.append(truncation_of_values(physical.double().numpy(), part.latitude, part.longitude))
    known = [share for share in found if share is not None]
    return round(float(np.median(known)), 3) if known else None


def trained_area(data: TrainingData) -> tuple[float, ...]:
    """South, north, west, east of the training fields [degrees]; nothing for the globe, or several grids."""
    fields = data.training_fields
    if isinstance(fields, FieldsOfGrids) or fields.wraps:
        return ()
    latitude, longitude = fields.latitude, fields.longitude
    return tuple(map(float, (latitude.min(), latitude.max(), longitude[0], longitude[-1])))


def card_basis(run: RunConfig, data_config: DataConfig, data: TrainingData) -> dict[str, Any]:
    """Return the entries shared by the cards of all trained models: name, data, normalisation, code version."""
    return {
        "name": model_name(run),
        "architecture": {},
        "channels": data_config.channels,
        "normalization": data.normalization,
        "grid_spacing_deg": data.training_fields.spacing_deg,
        "period": describe_period(data),
        "data": describe_data(data, data_config),
        "level": data.training_fields.level,
        "spacings_deg": data.training_fields.spacings_deg,
        "amplitude": dict(data.amplitude),
        "effective_truncation": trained_truncation(data),
        "area": trained_area(data),
        "seed": run.seed,
        "code_version": code_version(),
    }


def export_folder(run: RunConfig) -> Path:
    """Model folder that a run writes."""
    return run.export or run.out / "model"


def model_name(run: RunConfig) -> str:
    """Name of the model that a run writes: that of its folder, or of the run."""
    return run.export.name if run.export is not None else run.out.name
