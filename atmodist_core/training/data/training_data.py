"""Fields, split and normalisation of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import is_pseudo_scalar, is_standardized
from atmodist_core.networks.normalization import ALPHA, SignedLogNormalization
from atmodist_core.training.data.amplitude import AmplitudeScaling, scaled_by_amplitude
from atmodist_core.training.data.fields_in_memory import FieldsInMemory, load_fields
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids, GridsSampler, OneMemberSampler
from atmodist_core.training.data.member_reading import grouped_by_grid
from atmodist_core.training.data.patches import (
    MATCHING_STREAM,
    TRAINING_STREAM,
    VALIDATION_STREAM,
    PatchSampler,
    Segment,
    split_members,
)
from atmodist_core.training.data.store_data import StoreData, open_store
from atmodist_core.training.data.training_fields import TrainingFields
from atmodist_core.training.settings.shared_configuration import DataConfig
from atmodist_core.training.store.store_layout import is_training_store

_TIMES_AT_ONCE = 8


@dataclass(frozen=True)
class TrainingData:
    """Fields and which of their times are for what.

    The training and the held-out fields are the same object unless --validation names members of its own; the
    segments (start, stop) are those of their time axes, and the normalisation is that of the training
    segments only.
    """

    training_fields: TrainingFields
    held_out_fields: TrainingFields
    training: list[Segment]
    held_out: list[Segment]
    normalization: SignedLogNormalization
    residence: str = "auto"
    amplitude: Mapping[str, float] = field(default_factory=dict)
    """Amplitude of the coarse field by channel to which all times were scaled; empty where none was."""

    def normalized(self) -> "TrainingData":
        """The same, of which patches are normalised (physical fields in memory are overwritten)."""
        training = self.training_fields.normalize_in_place(self.normalization)
        if self.held_out_fields is self.training_fields:
            return replace(self, training_fields=training, held_out_fields=training)
        return replace(
            self,
            training_fields=training,
            held_out_fields=self.held_out_fields.normalize_in_place(self.normalization),
        )

    def to(self, device: torch.device) -> "TrainingData":
        """Get patches on the device that computes, and with room on a GPU (or --residence gpu) the fields."""
        if self.residence == "gpu" and device.type != "cuda":
            raise UserError(
                f"Expected a GPU for --residence gpu, found the device {device.type}; choose --residence auto."
            )
        resident = {"gpu": True, "auto": None}.get(self.residence, False)
        training = self.training_fields.to(device, resident=resident)
        same = self.held_out_fields is self.training_fields
        return replace(
            self,
            training_fields=training,
            held_out_fields=training if same else self.held_out_fields.to(device, resident=resident),
        )

    def sampler(
        self, config: DataConfig, seed: int, stream: int, *, one_member: bool = False
    ) -> PatchSampler:
        """Return the sampler of a run's patches: held-out times for evaluation, else those of the training.

        With ``one_member`` all patches of a step are of one member.
        """
        held = stream in (VALIDATION_STREAM, MATCHING_STREAM)
        fields = self.held_out_fields if held else self.training_fields
        segments = self.held_out if held else self.training
        settings: dict[str, Any] = {
            "patch_size": config.patch_size,
            "latitude_limit": config.latitude_limit,
            "mirror": config.mirror and stream == TRAINING_STREAM,
            "seed": seed,
            "stream": stream,
            "sampling": config.sampling,
        }
        if one_member:
            return OneMemberSampler(fields, segments, **settings)
        if isinstance(fields, FieldsOfGrids):
            return GridsSampler(fields, segments, **settings)
        return PatchSampler(fields, segments, **settings)

    def describe(self) -> str:
        """What was read, in a sentence."""
        fields = self.training_fields
        steps = sum(stop - start for start, stop in self.training)
        held = sum(stop - start for start, stop in self.held_out)
        memory = fields.gigabytes
        if self.held_out_fields is not fields:
            memory += self.held_out_fields.gigabytes
        place = f"{memory:.2f} GB of memory" if memory else f"patches read from {fields.residence}"
        parts = fields.parts if isinstance(fields, FieldsOfGrids) else (fields,)
        grids = " and ".join(f"{len(part.latitude)} x {len(part.longitude)}" for part in parts)
        return (
            f"{len(fields.members)} member(s) of {grids} points:"
            f" {steps} times to train on, {held} held out, {place}"
        )


def load_training_data(
    config: DataConfig,
    *,
    sources: Sequence[Path | str | xr.Dataset] | None = None,
    normalization: SignedLogNormalization | None = None,
    progress: Callable[[float, str], None] | None = None,
    several_grids: bool = False,
    scaling: AmplitudeScaling | None = None,
) -> TrainingData:
    """Read the members of a run, split them, and measure the normalisation.

    ``sources`` takes the place of ``config.data``, ``normalization`` (of a model that is trained further)
    that of the measurement. With ``several_grids`` members may lie on different grids; ``scaling`` brings the amplitude
    of all times to one. A UserError says when there is nothing to train on or nothing held out.
    """
    _check_split(config)
    fields, store = _load(sources or config.data, config, progress, several_grids)
    training, held_out = _segments(fields, store, config)
    held_fields = fields
    if config.validation:
        held_fields, _ = _load(config.validation, config, progress, several_grids)
        sizes = [(len(f.latitude), len(f.longitude)) for f in (fields, held_fields)]
        if sizes[0] != sizes[1] and not several_grids:
            raise UserError(
                f"Expected --validation on the grid of --data ({sizes[0][0]} x {sizes[0][1]}), found"
                f" {sizes[1][0]} x {sizes[1][1]}; choose data of one grid."
            )
        held_out = [(m.start, m.stop) for m in held_fields.members]
    if not training or not held_out:
        total = fields.times
        raise UserError(
            f"Expected times for training and for the held-out part, found {total} time(s) in all, too few"
            f" for --validation-fraction {config.validation_fraction:g} and --gap-hours {config.gap_hours:g};"
            " add data or change these."
        )
    amplitude: dict[str, float] = {}
    if scaling is not None:
        shared = held_fields is fields
        fields, amplitude = scaled_by_amplitude(fields, training, scaling)
        again = replace(scaling, reference=amplitude)
        held_fields = fields if shared else scaled_by_amplitude(held_fields, held_out, again)[0]
    if normalization is None and store is not None:
        normalization = store.mirrored_normalization if config.mirror else store.normalization
    elif normalization is None:
        normalization = measure_normalization(fields, training, mirrored=config.mirror)
    return TrainingData(fields, held_fields, training, held_out, normalization, config.residence, amplitude)


def _segments(
    fields: TrainingFields, store: StoreData | None, config: DataConfig
) -> tuple[list[Segment], list[Segment]]:
    """Training and held-out segments: a store brings its own."""
    if store is not None:
        return store.training, store.held_out
    if config.validation:
        return split_members(fields.members, 0.0, 0.0)
    return split_members(fields.members, config.validation_fraction, config.gap_hours)


def _load(
    sources: Sequence[Path | str | xr.Dataset],
    config: DataConfig,
    progress: Callable[[float, str], None] | None,
    several_grids: bool,
) -> tuple[TrainingFields, StoreData | None]:
    """Fields of sources of any kind in memory, or of one training store."""
    stores = [s for s in sources if not isinstance(s, xr.Dataset) and is_training_store(s)]
    if stores and len(sources) > 1:
        raise UserError(
            f"Expected one training store, or sources that are none, found {stores[0]} among {len(sources)};"
            " put all members into one store with train/prepare.py."
        )
    if stores:
        store = open_store(
            Path(str(stores[0])),
            tuple(config.channels),
            residence=config.residence,
            workers=config.loader_workers,
            progress=progress,
        )
        return store.fields, store
    if config.residence == "store":
        raise UserError(
            "Expected a training store for --residence store, found other data; make one with"
            " train/prepare.py."
        )
    settings: dict[str, Any] = {
        "channels": config.channels,
        "storage": config.storage,
        "progress": progress,
    }
    if not several_grids or len(sources) < 2:
        return load_fields(sources, **settings), None
    parts: list[FieldsInMemory] = []
    for group in grouped_by_grid(sources, config.channels):
        parts.append(load_fields(group, like=parts[0] if parts else None, **settings))
    return (parts[0] if len(parts) == 1 else FieldsOfGrids.of(parts)), None


def _check_split(config: DataConfig) -> None:
    if not 0.0 < config.validation_fraction < 1.0 and not config.validation:
        raise UserError(
            f"Expected --validation-fraction between 0 and 1, found {config.validation_fraction:g}; "
            "0.1 holds out the last tenth."
        )
    if config.gap_hours < 0:
        raise UserError(f"Expected --gap-hours of 0 or more, found {config.gap_hours:g}.")


def measure_normalization(
    fields: TrainingFields, segments: Sequence[Segment], *, mirrored: bool = False
) -> SignedLogNormalization:
    """Moments of the signed-log normalisation over some times in memory, every grid point counting alike.

    A ``mirrored`` training sees every field mirrored north-south as often as not. The moments are then those
    of both together: the means of a pseudo-scalar are zero, so that its mirror is an exact change of sign.
    """
    if not isinstance(fields, FieldsInMemory | FieldsOfGrids):
        raise TypeError("Expected fields in memory; a training store brings its moments.")
    count = len(fields.channels)
    odd = np.array([mirrored and is_pseudo_scalar(name) for name in fields.channels])
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
    linear = np.array([is_standardized(name) for name in fields.channels])
    mean_y, std_y = np.where(linear, 0.0, mean_y), np.where(linear, 1.0, std_y)
    if fields.offsets is not None:
        mean = mean + fields.offsets.cpu().numpy().astype(np.float64)
    standardized = tuple(name for name in fields.channels if is_standardized(name))
    return SignedLogNormalization(
        fields.channels, tuple(mean), tuple(std), ALPHA, tuple(mean_y), tuple(std_y), standardized
    )


def _moments(
    fields: FieldsInMemory | FieldsOfGrids,
    blocks: Sequence[slice],
    odd: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    alpha: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation per channel, of (x - mean)/std or of its signed logarithm; float64 sums.

    ``x`` and ``mean`` are without the fields' offsets.
    """
    number, total, squares = 0, np.zeros(len(odd)), np.zeros(len(odd))
    units = fields.units.cpu().numpy().astype(np.float64)
    # Sums over numbers near one: values are stored in units of about their spread.
    scale = units if alpha is None else np.ones(len(odd))
    for times in blocks:
        z = (fields.stored(times) - torch.from_numpy(mean / units).float()) * torch.from_numpy(
            units / std / scale
        ).float()
        if alpha is not None:
            z = torch.sign(z) * torch.log1p(alpha * z.abs())
        axes = tuple(range(z.ndim - 1))
        number += z[..., 0].numel()
        total += z.sum(dim=axes, dtype=torch.float64).numpy()
        squares += z.double().square().sum(dim=axes).numpy()
    centre = np.where(odd, 0.0, total / number)
    spread = np.sqrt(np.maximum(squares / number - centre**2, 0.0))
    return centre * scale, spread * scale
