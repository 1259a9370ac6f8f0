"""Origin of a model for its card: data, period, code version."""

import subprocess
from pathlib import Path
from typing import Any

from atmodist_core import __version__
from atmodist_core.training.configuration import DataConfig, RunConfig
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
        "seed": run.seed,
        "code_version": code_version(),
    }


def export_folder(run: RunConfig) -> Path:
    """Model folder that a run writes."""
    return run.export or run.out / "model"


def model_name(run: RunConfig) -> str:
    """Name of the model that a run writes: that of its folder, or of the run."""
    return run.export.name if run.export is not None else run.out.name
