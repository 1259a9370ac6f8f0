"""From the flags of a run to what its trainer draws patches from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from atmodist_core.errors import UserError
from atmodist_core.normalization import ALPHA, SignedLogNormalization
from atmodist_core.training.configuration import DataConfig
from atmodist_core.training.fields_in_memory import FieldsInMemory, load_fields
from atmodist_core.training.patches import PSEUDO_SCALARS, Segment, split_members

_TIMES_AT_ONCE = 8


@dataclass(frozen=True)
class TrainingData:
    """Fields in memory and which of their times are for what.

    Attributes
    ----------
    training_fields, held_out_fields
        The same object unless --validation names members of its own.
    training, held_out
        Segments (start, stop) of their time axes.
    normalization
        Measured on the training segments only.
    """

    training_fields: FieldsInMemory
    held_out_fields: FieldsInMemory
    training: list[Segment]
    held_out: list[Segment]
    normalization: SignedLogNormalization

    def normalized(self) -> "TrainingData":
        """The same with normalised fields (the physical ones are overwritten)."""
        training = self.training_fields.normalize_in_place(self.normalization)
        if self.held_out_fields is self.training_fields:
            return replace(self, training_fields=training, held_out_fields=training)
        return replace(
            self,
            training_fields=training,
            held_out_fields=self.held_out_fields.normalize_in_place(self.normalization),
        )

    def to(self, device: torch.device) -> "TrainingData":
        """Move the fields to the device that computes."""
        training = self.training_fields.to(device)
        same = self.held_out_fields is self.training_fields
        return replace(
            self,
            training_fields=training,
            held_out_fields=training if same else self.held_out_fields.to(device),
        )

    def describe(self) -> str:
        """What was read, in a sentence."""
        fields = self.training_fields
        steps = sum(stop - start for start, stop in self.training)
        held = sum(stop - start for start, stop in self.held_out)
        memory = fields.gigabytes
        if self.held_out_fields is not fields:
            memory += self.held_out_fields.gigabytes
        return (
            f"{len(fields.members)} member(s) of {len(fields.latitude)} x {len(fields.longitude)} points:"
            f" {steps} times to train on, {held} held out, {memory:.2f} GB of memory"
        )


def load_training_data(
    config: DataConfig,
    *,
    sources: Sequence[Path | str | xr.Dataset] | None = None,
    normalization: SignedLogNormalization | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> TrainingData:
    """Read the members of a run, split them, and measure (or take) the normalisation.

    Parameters
    ----------
    config
        Folders, split and channels.
    sources
        Datasets in place of ``config.data``.
    normalization
        Moments of a model that is trained further; default: measured here.
    progress
        Called with a fraction and a message while reading.

    Raises
    ------
    UserError
        Nothing to train on, nothing held out, or anything :func:`load_fields` refuses.
    """
    _check_split(config)
    storage = config.storage
    fields = load_fields(sources or config.data, channels=config.channels, storage=storage, progress=progress)
    held_fields = fields
    if config.validation:
        held_fields = load_fields(
            config.validation, channels=config.channels, storage=storage, progress=progress
        )
        if held_fields.values.shape[1:] != fields.values.shape[1:]:
            raise UserError(
                f"Expected --validation on the grid of --data ({len(fields.latitude)} x"
                f" {len(fields.longitude)}), found {len(held_fields.latitude)} x"
                f" {len(held_fields.longitude)}; choose data of one grid."
            )
        training, _ = split_members(fields.members, 0.0, 0.0)
        held_out = [(m.start, m.stop) for m in held_fields.members]
    else:
        training, held_out = split_members(fields.members, config.validation_fraction, config.gap_hours)
    if not training or not held_out:
        total = len(fields.values)
        raise UserError(
            f"Expected times for training and for the held-out part, found {total} time(s) in all, too few"
            f" for --validation-fraction {config.validation_fraction:g} and --gap-hours {config.gap_hours:g};"
            " add data or change these."
        )
    if normalization is None:
        normalization = measure_normalization(fields, training, mirrored=config.mirror)
    return TrainingData(fields, held_fields, training, held_out, normalization)


def _check_split(config: DataConfig) -> None:
    if not 0.0 < config.validation_fraction < 1.0 and not config.validation:
        raise UserError(
            f"Expected --validation-fraction between 0 and 1, found {config.validation_fraction:g}; "
            "0.1 holds out the last tenth."
        )
    if config.gap_hours < 0:
        raise UserError(f"Expected --gap-hours of 0 or more, found {config.gap_hours:g}.")


def measure_normalization(
    fields: FieldsInMemory, segments: Sequence[Segment], *, mirrored: bool = False
) -> SignedLogNormalization:
    """Moments of the signed-log normalisation over some times, every grid point counting alike.

    Parameters
    ----------
    fields
        Physical fields.
    segments
        Times to measure over.
    mirrored
        Training sees every field mirrored north-south as often as not. The moments are then those of both
        together: the means of a pseudo-scalar are zero, so that its mirror is an exact change of sign.

    Raises
    ------
    UserError
        A field is constant.
    """
    count = len(fields.channels)
    odd = np.array([mirrored and name in PSEUDO_SCALARS for name in fields.channels])
    blocks = [
        slice(start, min(start + _TIMES_AT_ONCE, stop))
        for first, stop in segments
        for start in range(first, stop, _TIMES_AT_ONCE)
    ]
    mean, std = _moments(fields, blocks, odd, np.zeros(count), np.ones(count), alpha=None)
    if not (std > 0).all():
        name = fields.channels[int(np.argmin(std))]
        raise UserError(f"Expected a {name} that varies, found a constant field; check the data.")
    mean_y, std_y = _moments(fields, blocks, odd, mean, std, alpha=ALPHA)
    return SignedLogNormalization(
        fields.channels, tuple(mean), tuple(std), ALPHA, tuple(mean_y), tuple(std_y)
    )


def _moments(
    fields: FieldsInMemory,
    blocks: Sequence[slice],
    odd: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    alpha: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation per channel, of (x - mean)/std or of its signed logarithm; float64 sums."""
    number, total, squares = 0, np.zeros(len(odd)), np.zeros(len(odd))
    units = fields.units.cpu().numpy().astype(np.float64)
    # Sums over numbers near one: values are stored in units of about their spread.
    scale = units if alpha is None else np.ones(len(odd))
    for times in blocks:
        z = (fields.values[times].float() - torch.from_numpy(mean / units).float()) * torch.from_numpy(
            units / std / scale
        ).float()
        if alpha is not None:
            z = torch.sign(z) * torch.log1p(alpha * z.abs())
        number += z[..., 0].numel()
        total += z.sum(dim=(0, 1, 2), dtype=torch.float64).numpy()
        squares += z.double().square().sum(dim=(0, 1, 2)).numpy()
    centre = np.where(odd, 0.0, total / number)
    spread = np.sqrt(np.maximum(squares / number - centre**2, 0.0))
    return centre * scale, spread * scale
