"""Scores on held-out patches that choose the weights of an adapted model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atmodist_core.networks import Generator, PhysicalOutput
from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.coarse_patches import DownscalingBatch
from atmodist_core.training.ensemble.ensemble_scores import EnsembleScores
from atmodist_core.training.gan.downscaling_scores import radial_wavenumber, windowed_power
from atmodist_core.training.gan.downscaling_trainer import DownscalingTrainer

UPPER_END = 0.9
"""The added scales end at this share of the Nyquist wavenumber for scores: beyond it grids have no full circle of waves."""

_MEMBERS = 3
_TOLERANCE, _PENALTY = 0.03, 8.0
"""An error that grows by more than the first share weighs this much: far more than what power can win."""


@dataclass(frozen=True)
class ValidationScores:
    """Scores of single fields, and of an ensemble where there are members; all relative, without units.

    Attributes
    ----------
    log_power : float
        Mean absolute logarithm of power over the truth's, over fields and both halves of the added scales.
    error : float
        Root mean square error of one field [standard deviations of the training data], root mean square over fields.
    crps : float
        Fair CRPS of the members [the same], mean over fields; 0 without members.
    """

    log_power: float
    error: float
    crps: float


def halves_of(share: np.ndarray, factor: int, end: float = 1.0) -> list[np.ndarray]:
    """Return which wavenumbers (shares of the Nyquist wavenumber) lie in the lower and the upper half of the added scales.

    From the coarse grid's Nyquist to half of the fine one, and from there to 0.9 of it; of fields that are truncated at
    ``end``, in the same proportion.
    """
    first, last = 1.0 / factor, min(UPPER_END, end)
    middle = 0.5 * (first + last) if factor == 2 or end < UPPER_END else 0.5
    return [(share > a) & (share <= b) for a, b in ((first, middle), (middle, last))]


Generate = Callable[[DownscalingBatch, int, int], Tensor]
"""Normalised fine patches of a batch, of its number (for the noise), and of so many members."""


def as_shipped(
    trainer: DownscalingTrainer, network: Generator, normalization: SignedLogNormalization
) -> Generate:
    """Return what makes patches with a model as it is: its own normalisation and output layers, the trainer's data."""
    output, own = PhysicalOutput(network.config, normalization), trainer.data.normalization

    def generate(batch: DownscalingBatch, number: int, members: int) -> Tensor:
        coarse = normalization.normalize(own.denormalize(batch.coarse.float()))
        inputs = trainer.held_out_inputs(batch._replace(coarse=coarse), number, members)
        coarse, area = (torch.cat([part] * members) for part in (coarse, batch.area))
        return own.normalize(normalization.denormalize(output(network(*inputs).float(), coarse, area)))

    return generate


@torch.no_grad()
def validation_scores(
    trainer: DownscalingTrainer, end: float = 1.0, generate: Generate | None = None
) -> ValidationScores:
    """Score the evaluated generator of a trainer, or another, on its held-out patches; ``end`` is the effective truncation."""
    channels, normalization = trainer.config.data.channels, trainer.data.normalization
    members = _MEMBERS if trainer.output.config.takes_noise else 1
    ensemble = EnsembleScores(channels, normalization)
    power: list[Tensor | float] = [0.0, 0.0]
    squares, count = 0.0, 0
    size = trainer.config.data.patch_size
    for number, batch in enumerate(trainer.held_out_batches()):
        generated = (generate or trainer.generated)(batch, number, members).float()
        truth = standardized(batch.fine, normalization)
        fields = standardized(generated, normalization)
        for which, values in enumerate((fields, truth)):
            power[which] = power[which] + windowed_power(values) * len(batch.fine)
        squares += float((fields[: len(truth)] - truth).square().mean()) * len(truth)
        count += len(truth)
        if members > 1:
            ensemble.add(generated.unflatten(0, (members, len(batch.fine))), batch.fine)
    share = radial_wavenumber(size).numpy()
    found, wanted = (np.asarray(part) for part in power)
    logs = [
        np.log(found[..., half].sum(axis=-1) / wanted[..., half].sum(axis=-1))
        for half in halves_of(share, trainer.config.factor, end)
    ]
    crps = 0.0
    if members > 1:
        result = ensemble.result()
        crps = float(np.mean([result[f"crps_{name}"] for name in channels]))
    return ValidationScores(float(np.abs(logs).mean()), float(np.sqrt(squares / count)), crps)


def objective(role: str, scores: ValidationScores, start: ValidationScores) -> float:
    """Return what an adapted model of a kind lowers, relative to its start.

    An AtmoDist model claims the power of small scales, an MSE model a small error, an ensemble its CRPS; each also pays for
    the other where that gets worse.
    """
    error = scores.error / start.error
    if role == "atmodist":
        return scores.log_power + _PENALTY * max(0.0, error - 1.0 - _TOLERANCE)
    worse_power = max(0.0, scores.log_power - start.log_power)
    if role == "ensemble":
        crps = scores.crps / start.crps
        return 0.5 * crps + 0.3 * scores.log_power + _PENALTY * max(0.0, crps - 1.0 - _TOLERANCE)
    return error + 0.05 * scores.log_power + worse_power
