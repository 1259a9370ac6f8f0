"""Pictures drawn during a training, of the same few held-out patches after several epochs.

A failure to draw is a warning, and drawing restores all random states and network modes, so that a run with
pictures gives the weights of one without.
"""

import random
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.training.configuration import RunConfig
from atmodist_core.training.records.run_folder import SAMPLES_NAME

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from atmodist_core.training.distance.distance_matching import DistanceCurves

SAMPLES = 3
"""Held-out patches in a picture."""

_SETS = 5
"""Sets of pictures of a run when no interval is given."""

_DPI = 110
_warned: set[Path] = set()


def samples_due(sample_epochs: int, epoch: int, epochs: int) -> bool:
    """Whether pictures are drawn at the end of an epoch (from 0); -1 takes a fifth of the run, 0 draws none.

    Examples
    --------
    >>> [epoch for epoch in range(12) if samples_due(-1, epoch, 12)]
    [2, 4, 7, 9, 11]
    """
    if sample_epochs == 0:
        return False
    if epoch + 1 == epochs:
        return True
    if sample_epochs > 0:
        return (epoch + 1) % sample_epochs == 0
    return (epoch + 1) * _SETS // epochs > epoch * _SETS // epochs


def draw_samples_if_due(trainer: Any, run: RunConfig, epoch: int, step: int, *, last: bool = False) -> None:
    """Let a trainer draw its pictures, where it can and where they are due; only the main process draws.

    A trainer without ``draw_samples(folder, step)`` is left alone; ``last`` marks an early stop.
    """
    draw = getattr(trainer, "draw_samples", None)
    if draw is None or not trainer.is_main_process or run.sample_epochs == 0:
        return
    epochs = trainer.epoch_of(trainer.total_steps - 1) + 1
    if not (last or samples_due(run.sample_epochs, epoch, epochs)):
        return
    folder = run.out / SAMPLES_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _random_states_kept():
            draw(folder, step)
    except Exception as error:  # a failed picture must not end the training
        if folder not in _warned:
            _warned.add(folder)
            where = traceback.extract_tb(error.__traceback__)[-1]
            warnings.warn(
                f"The pictures of the run could not be drawn ({type(error).__name__}: {error}, in"
                f" {Path(where.filename).name} line {where.lineno}); the training continues without them.",
                AtmodistWarning,
                stacklevel=2,
            )


@contextmanager
def _random_states_kept() -> Iterator[None]:
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; every submodule gets its own mode back."""
    modes = [(part, part.training) for module in modules for part in module.modules()]
    try:
        for module in modules:
            module.eval()
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


def draw_downscaling_samples(
    folder: Path, step: int, coarse: Tensor, generated: Tensor, fine: Tensor, *, channels: Sequence[str]
) -> Path:
    """Draw coarse, bicubic, generated and true normalised patches side by side as ``step_....png``.

    ``coarse`` is ``(patches, channels, size / factor, size / factor)``, the others ``(patches, channels,
    size, size)``.
    """
    from atmodist_core.figures.training import patch_figure

    coarse, fine = coarse.detach().float(), fine.detach().float()
    bicubic = functional.interpolate(coarse, size=fine.shape[-2:], mode="bicubic", align_corners=False)
    panels = {"coarse input": coarse, "bicubic": bicubic, "generated": generated, "truth": fine}
    arrays = {name: _array(values) for name, values in panels.items()}
    return _write(folder, step, patch_figure(arrays, channels, title=f"Held-out patches after step {step}"))


def draw_reconstruction_samples(
    folder: Path, step: int, patches: Tensor, reconstructed: Tensor, *, channels: Sequence[str]
) -> Path:
    """Draw normalised patches, their reconstruction by an autoencoder, and the difference."""
    from atmodist_core.figures.training import patch_figure

    made, truth = _array(reconstructed), _array(patches)
    panels = {"difference": made - truth, "reconstructed": made, "truth": truth}
    return _write(folder, step, patch_figure(panels, channels, title=f"Held-out patches after step {step}"))


def draw_gap_samples(
    folder: Path,
    step: int,
    patches: Tensor,
    missing: Tensor,
    filled: Tensor,
    *,
    channels: Sequence[str],
) -> Path:
    """Draw normalised patches with their gaps ``(patches, 1, size, size)``, as they were filled, and as they are."""
    from atmodist_core.figures.training import patch_figure

    truth = _array(patches)
    given = np.where(missing.cpu().numpy(), np.nan, truth)
    panels = {"with gaps": given, "filled": _array(filled), "truth": truth}
    return _write(folder, step, patch_figure(panels, channels, title=f"Held-out patches after step {step}"))


def draw_distance_samples(
    folder: Path,
    step: int,
    logits: Tensor,
    labels: Tensor,
    curves: "DistanceCurves",
    *,
    lag_step_hours: float,
) -> Path:
    """Draw the confusion matrix of held-out pairs and the distances over the lag.

    Logits are ``(pairs, classes)``, labels ``(pairs,)``, the classes ``lag_step_hours`` apart.
    """
    from atmodist_core.figures.training import pretext_figure
    from atmodist_core.training.data.held_out import confusion_matrix

    scales = {"mse": 1.0} | curves.scales()
    scaled = {name: (s * curves.mean[name], s * curves.std[name]) for name, s in scales.items()}
    figure = pretext_figure(
        confusion_matrix(logits.detach().float(), labels),
        lag_step_hours,
        curves.lags_hours,
        scaled,
        title=f"Held-out pairs after step {step}",
    )
    return _write(folder, step, figure)


def _array(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()


def _write(folder: Path, step: int, figure: "Figure") -> Path:
    from atmodist_core.figures import figure_bytes

    path = folder / f"step_{step:07d}.png"
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(figure_bytes(figure, "png", dpi=_DPI))
    partial.replace(path)
    return path
