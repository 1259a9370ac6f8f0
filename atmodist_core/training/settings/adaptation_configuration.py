"""Settings of the adaptation of models to a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atmodist_core.common.errors import UserError


@dataclass(frozen=True)
class AdaptationConfig:
    """Adapt the models that fit best to a dataset of a few days, within a time, and score them on its last part."""

    data: tuple[str, ...] = ()
    """Files, a folder or an address that open_fields reads: together one dataset."""
    minutes: float = 20.0
    """Time for everything: reading, training, scoring and the report. With --resume, for all runs together."""
    out: Path = Path("adapted")
    """Folder of models/, report.html and scores.json; its name begins the names of the models."""
    factor: int = 4
    """Fine cells per coarse cell along each axis."""
    models: tuple[str, ...] = ()
    """Models to start from (names or folders); by default the best fits, as many as the time allows."""
    level: str | None = None
    """Level, where the data have several."""
    scored_fraction: float = 0.2
    """Share of the times, at the end, that no training sees and that the models are scored on."""
    resume: bool = False
    """Continue in --out with what is left of the time."""
    seed: int = 0
    """Seed of patches and noise."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto takes a GPU when there is one."""
    progress: bool = True
    """Print what is being done."""


def check_adaptation_config(config: AdaptationConfig) -> None:
    """Refuse settings out of range, by a UserError that names the flag."""
    if not config.data:
        raise UserError("Expected data to adapt to after --data, found none; name a file of a few days.")
    if not 0.0 < config.minutes <= 100_000:
        raise UserError(f"Expected --minutes above 0, found {config.minutes:g}; give for example 20.")
    if not 0.05 <= config.scored_fraction <= 0.5:
        raise UserError(
            f"Expected a --scored-fraction from 0.05 to 0.5, found {config.scored_fraction:g}; 0.2 is usual."
        )
    if config.factor < 2 or config.factor & (config.factor - 1):
        raise UserError(f"Expected a --factor that is a power of two (2, 4, 8 ...), found {config.factor}.")
