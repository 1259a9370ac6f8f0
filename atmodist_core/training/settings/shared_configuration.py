"""Settings that every kind of training run shares, and their form in ``config.json``."""

import dataclasses
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import channel_names

Storage = Literal["float16", "bfloat16", "float32"]
Residence = Literal["auto", "memory", "store", "gpu"]
Sampling = Literal["latitude", "area"]
ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class DataConfig:
    """Training fields, and how patches are cut from them."""

    data: tuple[Path, ...] = ()
    """Fields to train on; each is one member (one unbroken series), pairs are never made across members; FILE@500
    is one of several levels. Or one training store of train/prepare.py, which brings its members, its split and its moments."""
    validation: tuple[Path, ...] = ()
    """Held-out members; without them the last part of every training member is held out."""
    validation_fraction: float = 0.1
    """Share of every member held out at its end when no --validation is given."""
    gap_hours: float = 72.0
    """Hours left unused between the training and the held-out part of a member."""
    channels: tuple[str, ...] = ("vorticity", "divergence")
    """Fields of the data used as channels, in this order (also --fields): vorticity, or temperature@850 for one at a level."""
    patch_size: int = 160
    """Side of the square patches [grid points] (fine grid)."""
    latitude_limit: float = 60.0
    """The centres of patches lie between this latitude south and north [degrees]."""
    mirror: bool = False
    """Mirror half of the patches north-south; vorticity, a pseudo-scalar, then changes sign."""
    sampling: Sampling = "latitude"
    """Centres uniform in latitude (dense towards the poles), or uniform over the area of the sphere."""
    storage: Storage = "float16"
    """Number type in which the fields are held in memory (a training store keeps its own)."""
    residence: Residence = "auto"
    """Where the fields are kept: in memory, in their training store, or on the GPU; auto takes the fastest with
    room. It changes no patch."""
    loader_workers: int = 2
    """Threads that read patches ahead of a training store; with 0 nothing is read ahead. It changes no
    patch."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", channel_names(self.channels))


@dataclass(frozen=True)
class RunConfig:
    """Output folder, hardware and reports of a run."""

    out: Path = Path("runs/unnamed")
    """Folder of the run: configuration, curves, checkpoints, final model."""
    export: Path | None = None
    """Model folder written at the end (its name becomes the model's name); default: <out>/model."""
    export_type: Literal["float32", "float16", "bfloat16"] = "float32"
    """Number type of the weights that are exported; half precision halves the file."""
    resume: bool = False
    """Continue from the last checkpoint in --out."""
    seed: int = 0
    """Seed of the initial weights and of every random choice of patches."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto takes a GPU when there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto takes bfloat16 (with float32 weights) where the hardware has units for it."""
    channels_last: bool = True
    """Keep images with channels last in memory (faster convolutions)."""
    deterministic: bool = True
    """On a GPU, choose algorithms that give the same sums every time (so that resuming is bit-exact)."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    log_interval: int = 20
    """Steps between two rows of the training curve."""
    checkpoint_minutes: float = 5.0
    """Minutes between two checkpoints; 0 switches the clock off."""
    checkpoint_steps: int = 0
    """Steps between two checkpoints; 0 switches the count off."""
    sample_epochs: int = -1
    """Epochs between two sets of pictures in <out>/samples; -1 takes a fifth of the run, 0 draws none."""
    progress: bool = True
    """Show a progress bar (a plain line a minute when the output is not a terminal)."""


def require_positive(settings: Any, names: Iterable[str]) -> None:
    """Refuse a named setting that is not above zero, by a UserError with the flag; None is allowed."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and not value > 0:
            raise UserError(
                f"Expected a positive --{name.replace('_', '-')}, found {value}; give one above zero."
            )


def to_dict(config: Any) -> dict[str, Any]:
    """Settings as plain JSON types, nested as the dataclasses are."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, (tuple, list)):
            return [plain(item) for item in value]
        return value

    result: dict[str, Any] = plain(config)
    return result


_RENAMED = {"lead_step_hours": "lag_step_hours"}
"""Settings in the files of earlier versions."""


def from_dict(kind: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    """Settings from the result of :func:`to_dict`; missing keys take their default, unknown ones are refused."""
    hints = typing.get_type_hints(kind)
    values = {_RENAMED.get(name, name): value for name, value in values.items()}
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise UserError(
            f"Expected the settings of {kind.__name__} ({', '.join(sorted(hints))}), found the unknown key "
            f"{unknown[0]!r}; remove it or use the version of the program that wrote it."
        )
    return kind(**{name: _restore(hints[name], value) for name, value in values.items()})


def _restore(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    if hint is Path:
        return Path(value)
    if typing.get_origin(hint) is tuple:
        # A setting that became a list holds one value in older files.
        items = [value] if isinstance(value, str) else value
        return tuple(_restore(typing.get_args(hint)[0], item) for item in items)
    if isinstance(hint, types.UnionType) and Path in typing.get_args(hint):
        return None if value is None else Path(value)
    return value


RESUMABLE_CHANGES = frozenset(
    {
        *("out", "export", "export_type", "resume", "preset", "progress"),
        *("device", "deterministic", "threads", "residence", "loader_workers"),
        *("log_interval", "checkpoint_minutes", "checkpoint_steps"),
        *("final_pairs", "matching_pairs", "sample_epochs"),
    }
)
"""Settings that may differ between a run and its continuation: they do not change the weights."""


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Settings that differ and would change the weights, as ``flag (old -> new)``."""
    found = []
    for name in sorted(set(old) | set(new)):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after)
        elif name not in RESUMABLE_CHANGES and before != after:
            found.append(f"--{name.replace('_', '-')} ({before} -> {after})")
    return found
